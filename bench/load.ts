// One workload against one broker, in a process of its own: `load.ts WORKLOAD OPTIONS TARGET`, the latter two as JSON.
// Prints the result as JSON.

import type { Target } from "./client.ts";
import { workloads } from "./workloads.ts";
import type { WorkloadOptions } from "./workloads/workload.ts";

const [name = "", options = "", target = ""] = process.argv.slice(2);
const workload = Object.hasOwn(workloads, name) ? workloads[name] : undefined;
if (workload === undefined) throw new Error(`no workload ${name}`);
const result = await workload.run(JSON.parse(target) as Target, JSON.parse(options) as WorkloadOptions);
console.log(JSON.stringify(result));
process.exit(process.exitCode ?? 0);
