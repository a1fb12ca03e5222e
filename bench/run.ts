// `npm run bench`: the same load program against Fulmar and its peers, one after the other, workload by workload, in one
// run, so that what the machine does meanwhile touches all alike. Figures are ratios within a run, not promises.

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { startAedes } from "./brokers/aedes.ts";
import type { Broker } from "./brokers/broker.ts";
import { startFulmar } from "./brokers/fulmar.ts";
import { startMosquitto } from "./brokers/mosquitto.ts";
import { runWorkload } from "./load-process.ts";
import { measureNeighbour, misbehaviours, type Misbehaviour, type NeighbourResult } from "./neighbours.ts";
import { countsTable, neighbourTable, table } from "./table.ts";
import { workloads } from "./workloads.ts";
import type { Result } from "./workloads/workload.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "5" },
    shards: { type: "string", default: "1" },
    rounds: { type: "string", default: "1" },
    times: { type: "string", default: "1" },
    counts: { type: "boolean", default: false },
    "delay-ms": { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  },
});
const NEIGHBOURS = "neighbours";
const all = [...Object.keys(workloads), NEIGHBOURS];
const chosen = values.only === undefined ? all : values.only.split(",");
const unknown = chosen.find((name) => !all.includes(name));
const options = { seconds: Number(values.seconds), times: Number(values.times) };
const [shards, delayMs, rounds] = [values.shards, values["delay-ms"], values.rounds].map(Number) as [
  number,
  number,
  number,
];
const counted = [options.times, shards, rounds].every((number) => Number.isInteger(number) && number >= 1);
if (unknown !== undefined || !(options.seconds > 0) || !counted || !(delayMs >= 0)) {
  const flags = "[--seconds N] [--rounds N] [--shards N] [--times N] [--counts] [--delay-ms N] [--json]";
  console.error(`bench: [--only ${all.join(",")}] ${flags}`);
  process.exit(1);
}
const names = chosen.filter((name) => name !== NEIGHBOURS);
/** Fulmar alone, in the build that counts what its objects do. */
const counting = values.counts || delayMs > 0;

const brokers: Broker[] = [];
try {
  const fulmar = await startFulmar({ shards, counting, delayMs });
  brokers.push(fulmar);
  const peers = counting ? [] : [await startAedes(), await startMosquitto()];
  brokers.push(...peers.filter((peer) => peer !== null));
  const results = new Map<string, Map<string, Result | null>>();
  for (const name of names) {
    results.set(name, await measure(name));
  }
  const neighbours = chosen.includes(NEIGHBOURS) && !counting ? await measureNeighbours(fulmar) : null;
  if (values.json) {
    const measured = Object.fromEntries([...results].map(([k, v]) => [k, Object.fromEntries(v)]));
    console.log(JSON.stringify(neighbours === null ? measured : { ...measured, [NEIGHBOURS]: neighbours }));
  } else {
    const delays = delayMs > 0 ? `, ${delayMs} ms for each frame between isolates and each commit` : "";
    const each = `${cpus().length} cores, ${options.seconds} s a workload, ${shards} shard(s) of each kind, 64 byte payloads`;
    console.log(`\n${each}${delays}\n`);
    console.log(
      table(
        results,
        brokers.map(({ name }) => name),
      ),
    );
    if (counting) console.log(`\n${countsTable(results, fulmar.name)}`);
    if (peers.includes(null))
      console.log("\nmosquitto is not installed, or its WebSocket listener does not start: it was left out");
    if (neighbours !== null) console.log(`\n${neighbourTable(neighbours)}`);
  }
} finally {
  for (const broker of brokers.toReversed()) await broker.stop();
}
process.exit(process.exitCode ?? 0);

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
