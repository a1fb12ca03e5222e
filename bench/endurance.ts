// `npm run bench:endurance`: full load for as long as is asked, at every QoS and to sessions that last, with a look every
// so often at what the process holds. Whatever grows with time shows.

import { claimPort } from "../scripts/start/claim-port.ts";
import { benchmark } from "./benchmark.ts";
import { startFulmar } from "./brokers/fulmar.ts";
import { Inspector } from "./inspector.ts";
import { runWorkload } from "./load-process.ts";
import { held } from "./memory.ts";
import { positive, readOptions } from "./options.ts";
import { count, format } from "./table.ts";

const WORKLOADS = ["pairs-qos0", "pairs-qos1", "pairs-qos2", "persistent", "offline", "fan-out"];
const SECONDS_EACH = 4;
const MINUTE_MS = 60_000;

const { minutes } = readOptions("bench:endurance: [--minutes N]", { minutes: positive.default(10) });

await benchmark(async (keep) => {
  const inspectorPort = await claimPort("127.0.0.1", 0);
  const fulmar = keep(await startFulmar({ shards: 1, inspectorPort }));
  const inspector = await Inspector.open(inspectorPort);
  const lines = [["minute", "RAM MiB", "heap MiB", "disk MiB", "messages", "lost"]];
  const from = performance.now();
  let [messages, lost] = [0, 0];
  for (let next = 0; performance.now() - from < minutes * MINUTE_MS;) {
    for (const name of WORKLOADS) {
      const result = await runWorkload(name, fulmar.target, { seconds: SECONDS_EACH, times: 1 });
      messages += (result?.perSecond ?? 0) * SECONDS_EACH;
      lost += result?.lost ?? 0;
    }
    const minute = (performance.now() - from) / MINUTE_MS;
    if (minute < next) continue;
    next = Math.floor(minute) + 1;
    const { resident, heap, disk } = await held(fulmar, inspector);
    const mebibytes = [resident, heap, disk].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    lines.push([minute.toFixed(1), ...mebibytes, count(messages), String(lost)]);
    console.error(`minute ${minute.toFixed(1)}`);
  }
  inspector.close();
  console.log(format(lines, 0));
});
