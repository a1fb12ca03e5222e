// `npm run bench`: the same load program against Fulmar and its peers, one after the other, workload by workload, in one
// run, so that what the machine does meanwhile touches all alike. Figures are ratios within a run, not promises.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startAedes } from "./brokers/aedes.ts";
import type { Broker } from "./brokers/broker.ts";
import { startFulmar } from "./brokers/fulmar.ts";
import { startMosquitto } from "./brokers/mosquitto.ts";
import { measureNeighbour, misbehaviours, type Misbehaviour, type NeighbourResult } from "./neighbours.ts";
import { neighbourTable, table } from "./table.ts";
import type { Result } from "./workloads.ts";
import { workloads } from "./workloads.ts";

const LOAD = fileURLToPath(new URL("load.ts", import.meta.url));
const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "5" },
    shards: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const NEIGHBOURS = "neighbours";
const all = [...Object.keys(workloads), NEIGHBOURS];
const chosen = values.only === undefined ? all : values.only.split(",");
const unknown = chosen.find((name) => !all.includes(name));
if (unknown !== undefined || !(Number(values.seconds) > 0) || !(Number(values.shards) >= 1)) {
  console.error(`bench: [--only ${all.join(",")}] [--seconds N] [--shards N] [--json]`);
  process.exit(1);
}
const names = chosen.filter((name) => name !== NEIGHBOURS);

const brokers: Broker[] = [];
try {
  brokers.push(await startFulmar(Number(values.shards)), await startAedes());
  const mosquitto = await startMosquitto();
  if (mosquitto !== null) brokers.push(mosquitto);
  const results = new Map<string, Map<string, Result | null>>();
  for (const name of names) {
    const row = new Map<string, Result | null>();
    for (const broker of brokers) {
      if (!values.json) console.error(`${name}: ${broker.name}`);
      row.set(broker.name, await load(name, broker));
    }
    results.set(name, row);
  }
  const neighbours = chosen.includes(NEIGHBOURS) ? await measureNeighbours() : null;
  if (values.json) {
    const measured = Object.fromEntries([...results].map(([k, v]) => [k, Object.fromEntries(v)]));
    console.log(JSON.stringify(neighbours === null ? measured : { ...measured, [NEIGHBOURS]: neighbours }));
  } else {
    console.log(
      `\n${cpus().length} cores, ${values.seconds} s a workload, ${values.shards} shard(s) of each kind, 64 byte payloads\n`,
    );
    console.log(
      table(
        results,
        brokers.map(({ name }) => name),
      ),
    );
    if (mosquitto === null)
      console.log("\nmosquitto is not installed, or its WebSocket listener does not start: it was left out");
    if (neighbours !== null) console.log(`\n${neighbourTable(neighbours)}`);
  }
} finally {
  for (const broker of brokers.toReversed()) await broker.stop();
}
process.exit(process.exitCode ?? 0);

/** Of Fulmar alone: the ratio is to itself. */
async function measureNeighbours(): Promise<Record<string, NeighbourResult>> {
  const [fulmar] = brokers;
  const measured: Record<string, NeighbourResult> = {};
  for (const kind of Object.keys(misbehaviours) as Misbehaviour[]) {
    if (fulmar === undefined) break;
    if (!values.json) console.error(`${NEIGHBOURS}: ${kind}`);
    measured[kind] = await measureNeighbour(fulmar.target, kind, Number(values.seconds) / 2);
  }
  return measured;
}

/** Null: the workload failed. */
async function load(name: string, { target }: Broker): Promise<Result | null> {
  const args = [LOAD, name, values.seconds, target.url, target.username, target.password];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), (Number(values.seconds) + 60) * 1_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(limit);
  if (code !== 0) process.exitCode = 1;
  return code === 0 ? (JSON.parse(output) as Result) : null;
}
