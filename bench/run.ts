// `npm run bench`: the same load program against Fulmar and its peers, one after the other, workload by workload, in one
// run, so that what the machine does meanwhile touches all alike. Figures are ratios within a run, not promises.

import { cpus } from "node:os";
import { z } from "zod";
import { benchmark } from "./benchmark.ts";
import { startAedes } from "./brokers/aedes.ts";
import type { Broker } from "./brokers/broker.ts";
import { startFulmar } from "./brokers/fulmar.ts";
import { startMosquitto } from "./brokers/mosquitto.ts";
import { runWorkload } from "./load-process.ts";
import { measureNeighbour, misbehaviours, type Misbehaviour, type NeighbourResult } from "./neighbours.ts";
import { count, flag, notNegative, positive, readOptions, shards } from "./options.ts";
import { countsTable, neighbourTable, table } from "./table.ts";
import { workloads } from "./workloads.ts";
import type { Result } from "./workloads/workload.ts";

const NEIGHBOURS = "neighbours";
const all = [...Object.keys(workloads), NEIGHBOURS];
const flags = "[--seconds N] [--rounds N] [--shards N] [--times N] [--counts] [--delay-ms N] [--json]";
const values = readOptions(`bench: [--only ${all.join(",")}] ${flags}`, {
  only: z
    .string()
    .transform((names) => names.split(","))
    .refine((names) => names.every((name) => all.includes(name)))
    .default(all),
  seconds: positive.default(5),
  rounds: count.default(1),
  shards: shards.default(1),
  times: count.default(1),
  counts: flag.default(false),
  "delay-ms": notNegative.default(0),
  json: flag.default(false),
});
const { only: chosen, rounds, "delay-ms": delayMs } = values;
const options = { seconds: values.seconds, times: values.times };
const names = chosen.filter((name) => name !== NEIGHBOURS);
/** Fulmar alone, in the build that counts what its objects do. */
const counting = values.counts || delayMs > 0;

const brokers: Broker[] = [];

await benchmark(async (keep) => {
  const fulmar = keep(await startFulmar({ shards: values.shards, counting, delayMs }));
  brokers.push(fulmar);
  const missing = counting ? false : await startPeers(keep);
  const results = new Map<string, Map<string, Result | null>>();
  for (const name of names) results.set(name, await measure(name));
  const neighbours = chosen.includes(NEIGHBOURS) && !counting ? await measureNeighbours(fulmar) : null;
  if (values.json) {
    const measured = Object.fromEntries([...results].map(([k, v]) => [k, Object.fromEntries(v)]));
    console.log(JSON.stringify(neighbours === null ? measured : { ...measured, [NEIGHBOURS]: neighbours }));
    return;
  }
  const delays = delayMs > 0 ? `, ${delayMs} ms for each frame between isolates and each commit` : "";
  const each = `${options.seconds} s a workload, ${values.shards} shard(s) of each kind, 64 byte payloads`;
  console.log(`\n${cpus().length} cores, ${each}${delays}\n`);
  const brokerNames = brokers.map(({ name }) => name);
  console.log(table(results, brokerNames));
  if (counting) console.log(`\n${countsTable(results, fulmar.name)}`);
  if (missing) console.log("\nmosquitto is not installed, or its WebSocket listener does not start: it was left out");
  if (neighbours !== null) console.log(`\n${neighbourTable(neighbours)}`);
});

/** True: mosquitto is not there. */
async function startPeers(keep: <T extends Broker>(started: T) => T): Promise<boolean> {
  brokers.push(keep(await startAedes()));
  const mosquitto = await startMosquitto();
  if (mosquitto !== null) brokers.push(keep(mosquitto));
  return mosquitto === null;
}

/** Of each broker the round with the median rate. They take turns, so that what else the machine does meets all alike. */
async function measure(name: string): Promise<Map<string, Result | null>> {
  const taken = new Map<string, (Result | null)[]>(brokers.map((broker) => [broker.name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const broker of brokers) {
      if (!values.json) console.error(`${name}: ${broker.name}${rounds > 1 ? `, round ${round}` : ""}`);
      taken.get(broker.name)?.push(await runWorkload(name, broker.target, options));
    }
  }
  return new Map([...taken].map(([broker, results]) => [broker, median(results)]));
}

/** Null, and worse than all others: it failed. */
function median(results: (Result | null)[]): Result | null {
  const sorted = results.toSorted((a, b) => (a?.perSecond ?? 0) - (b?.perSecond ?? 0));
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** Of Fulmar alone: the ratio is to itself. */
async function measureNeighbours({ target }: Broker): Promise<Record<string, NeighbourResult>> {
  const measured: Record<string, NeighbourResult> = {};
  for (const kind of Object.keys(misbehaviours) as Misbehaviour[]) {
    if (!values.json) console.error(`${NEIGHBOURS}: ${kind}`);
    measured[kind] = await measureNeighbour(target, kind, options.seconds / 2);
  }
  return measured;
}
