// aedes over WebSocket, as its documentation runs it, in a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Broker } from "./broker.ts";

export async function startAedes(): Promise<Broker> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("aedes-server.ts", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return {
    name: "aedes",
    target: {
      url: `ws://127.0.0.1:${Number(line.toString())}`,
      username: "user",
      password: "password",
      pid: child.pid,
    },
    async stop() {
      const gone = once(child, "exit");
      child.kill();
      await gone;
    },
  };
}
