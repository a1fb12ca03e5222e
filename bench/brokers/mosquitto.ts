// mosquitto with a WebSocket listener, where it is installed.

import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimPort } from "../../scripts/start/claim-port.ts";
import type { Broker } from "./broker.ts";

const PROGRAM = "mosquitto";

/** Null: it is not installed, or its WebSocket listener does not start here. */
export async function startMosquitto(): Promise<Broker | null> {
  if (spawnSync(PROGRAM, ["-h"]).error !== undefined) return null;
  const folder = await mkdtemp(join(tmpdir(), "mosquitto-bench-"));
  const port = await claimPort("127.0.0.1", 0);
  const settings = [
    // Some releases do not start with a WebSocket listener alone.
    `listener ${await claimPort("127.0.0.1", 0)} 127.0.0.1`,
    `listener ${port} 127.0.0.1`,
    "protocol websockets",
    "allow_anonymous true",
    "set_tcp_nodelay true",
    "max_queued_messages 0",
  ];
  const file = join(folder, "mosquitto.conf");
  await writeFile(file, `${settings.join("\n")}\n`);
  const child = spawn(PROGRAM, ["-c", file], { stdio: "ignore" });
  if (!(await listening(port, child))) {
    await rm(folder, { recursive: true, force: true });
    return null;
  }
  return {
    name: "mosquitto",
    target: { url: `ws://127.0.0.1:${port}`, username: "user", password: "password", pid: child.pid },
    async stop() {
      const gone = once(child, "exit");
      child.kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** False: it ended instead. */
async function listening(port: number, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null) {
    const socket = connect(port, "127.0.0.1");
    const up = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (up) return true;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  return false;
}
