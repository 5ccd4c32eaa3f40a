// Under workerd: the subjects run in worker.js, and are timed from outside. Inside, clocks stand still
// while code runs.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { SECRET } from "./delivery.js";

/** An engine as in bench_node.js. `program` is workerd, `folder` holds its configuration and modules. */
export async function workerdEngine(program, version, folder) {
  const socket = "--socket-addr=http=127.0.0.1:0";
  // It says on its standard output when it listens, and on which port.
  const workerd = spawn(program, ["serve", "workerd.capnp", socket, "--control-fd=1"], {
    cwd: folder,
    env: { SECRET },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = () => workerd.kill("SIGKILL");
  process.once("exit", stop);
  const port = await listening(workerd);
  return {
    name: `workerd ${version}`,
    // Long beside the round trip, which is subtracted.
    stretch: 30e6,
    rounds: 50,
    async time(name, calls, { header, body, now, expected }) {
      const query = new URLSearchParams({ name, calls, now, expected });
      const start = process.hrtime.bigint();
      const response = await fetch(`http://127.0.0.1:${port}/?${query}`, {
        method: "POST",
        headers: { "x-signature": header },
        body,
      });
      const answer = await response.text();
      const taken = Number(process.hrtime.bigint() - start);
      if (answer !== `${calls} right`) throw new Error(answer);
      return taken;
    },
    stop,
  };
}

/** A promise of the port. */
async function listening(workerd) {
  for await (const line of createInterface({ input: workerd.stdout })) {
    const message = JSON.parse(line);
    if (message.event === "listen") return message.port;
  }
  throw new Error("workerd has stopped while starting");
}
