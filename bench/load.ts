// One workload against one broker, in a process of its own: `load.ts WORKLOAD SECONDS URL USERNAME PASSWORD`. Prints the
// result as JSON.

import { workloads } from "./workloads.ts";

const [name = "", seconds = "", url = "", username = "", password = ""] = process.argv.slice(2);
const workload = workloads[name];
if (workload === undefined) throw new Error(`no workload ${name}`);
const result = await workload.run({ url, username, password }, { seconds: Number(seconds) });
console.log(JSON.stringify(result));
process.exit(process.exitCode ?? 0);
