// Type-checks every part of the project under the types that it may know: the broker without any platform, the Worker
// with workerd's, scripts and tests with Node's.

import { spawnSync } from "node:child_process";

const projects = ["src/broker", "src", ".", "test/unit", "test/workerd", "bench/worker"];

let failed = false;
for (const project of projects) {
  const { status } = spawnSync("tsc", ["--project", project], { stdio: "inherit" });
  if (status !== 0) {
    console.error(`types: ${project} has errors`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
