// `npm run bench:profile`: where the Worker's time goes under a workload, by workerd's inspector: the functions by the
// time spent in themselves, for each message. What is not JavaScript stands under (program): sockets, SQLite, the
// platform.

import { z } from "zod";
import { claimPort } from "../scripts/start/claim-port.ts";
import { benchmark } from "./benchmark.ts";
import { startFulmar } from "./brokers/fulmar.ts";
import { Inspector } from "./inspector.ts";
import { runWorkload } from "./load-process.ts";
import { count, positive, readOptions, shards } from "./options.ts";
import { format } from "./table.ts";
import { wait } from "./wait.ts";
import { workloads } from "./workloads.ts";

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; hitCount?: number }[];
  samples: number[];
  timeDeltas: number[];
}

const names = Object.keys(workloads);
const usage = `bench:profile: [--workload ${names.join("|")}] [--seconds N] [--shards N] [--lines N]`;
const values = readOptions(usage, {
  workload: z.enum(names).default("pairs-qos1"),
  seconds: positive.min(2).default(5),
  shards: shards.default(1),
  lines: count.default(40),
});

const SAMPLE_MICROSECONDS = 200;
/** Behind the warm-up of a workload. */
const START_MS = 1_500;

await benchmark(async (keep) => {
  const inspectorPort = await claimPort("127.0.0.1", 0);
  const { target } = keep(await startFulmar({ shards: values.shards, inspectorPort }));
  const inspector = await Inspector.open(inspectorPort);
  const running = runWorkload(values.workload, target, { seconds: values.seconds, times: 1 });
  await wait(START_MS);
  await inspector.call("Profiler.enable");
  await inspector.call("Profiler.setSamplingInterval", { interval: SAMPLE_MICROSECONDS });
  await inspector.call("Profiler.start");
  await wait((values.seconds - 1) * 1_000);
  const { profile } = (await inspector.awake(target, "Profiler.stop")) as { profile: Profile };
  const result = await running;
  if (result !== null) print(profile, result.perSecond);
});

function print({ nodes, samples, timeDeltas }: Profile, perSecond: number): void {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const self = new Map<string, number>();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const frame = byId.get(id);
    const at = frame === undefined || frame.url === "" ? "" : `:${frame.lineNumber + 1}`;
    const name = `${frame?.functionName || "(anonymous)"}${at}`;
    const delta = timeDeltas[i] ?? 0;
    self.set(name, (self.get(name) ?? 0) + delta);
    total += delta;
  }
  const messages = perSecond * (total / 1_000_000);
  const top = [...self].sort(([, a], [, b]) => b - a).slice(0, values.lines);
  const lines = top.map(([name, us]) => [name, `${((us / total) * 100).toFixed(1)} %`, (us / messages).toFixed(2)]);
  console.log(`\n${values.workload}: ${Math.round(perSecond)} messages a second\n`);
  console.log(format([["function", "time", "us a message"], ...lines], 1));
}
