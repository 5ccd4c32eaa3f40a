// The stories, in the order in which they change the world.

import { after } from "node:test";
import { quit } from "./browser.mjs";
import "./door.mjs";
import "./screens.mjs";
import "./lists.mjs";
import "./hostile.mjs";
import "./failures.mjs";
import "./current.mjs";
import "./once.mjs";
import "./keyboard.mjs";
import "./acts.mjs";

after(quit);
