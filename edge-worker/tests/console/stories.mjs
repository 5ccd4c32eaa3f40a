// The stories, in the order in which they change the world.

import { after, before } from "node:test";
import { launch, quit } from "./browser.mjs";

before(launch);
after(quit);

await import("./door.mjs");
await import("./screens.mjs");
await import("./lists.mjs");
await import("./hostile.mjs");
await import("./failures.mjs");
await import("./keyboard.mjs");
await import("./acts.mjs");
