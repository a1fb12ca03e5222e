// Runs a workload in a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Target } from "./client.ts";
import type { Result, WorkloadOptions } from "./workloads/workload.ts";

const LOAD = fileURLToPath(new URL("load.ts", import.meta.url));
const PATIENCE_SECONDS = 90;

/** Null: the workload failed, and has said why on stderr. */
export async function runWorkload(name: string, target: Target, options: WorkloadOptions): Promise<Result | null> {
  const args = [LOAD, name, JSON.stringify(options), JSON.stringify(target)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), (options.seconds + PATIENCE_SECONDS) * 1_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(limit);
  if (code !== 0) process.exitCode = 1;
  return code === 0 ? (JSON.parse(output) as Result) : null;
}
