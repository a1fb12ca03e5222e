// `npm run bench:idle`: what a connection costs that is silent but for its pings, and a session whose client is away:
// memory, bytes on disk, and how often an object wakes. With connections that are watched for more than five minutes the
// wake-ups are those of the sweep.

import { claimPort } from "../scripts/start/claim-port.ts";
import { limits } from "../src/broker/limits.ts";
import { benchmark } from "./benchmark.ts";
import { startFulmar } from "./brokers/fulmar.ts";
import type { LoadClient, Target } from "./client.ts";
import { readCounts, since } from "./counts.ts";
import { Inspector } from "./inspector.ts";
import { held, type Held } from "./memory.ts";
import { count, positive, readOptions } from "./options.ts";
import { count as thousands, format } from "./table.ts";
import { wait } from "./wait.ts";
import { connect } from "./workloads/clients.ts";

const KEEP_ALIVE_SECONDS = 60;
const PING_MS = 45_000;
const AT_A_TIME = 50;
/** Before anything is measured: code is compiled, caches have what they hold. */
const WARM_UP_CONNECTIONS = 200;
/** An object that had nothing to do for ten seconds sleeps. */
const ASLEEP_MS = 15_000;

const { clients, seconds } = readOptions("bench:idle: [--clients N] [--seconds N]", {
  clients: count.default(1_000),
  seconds: positive.default(330),
});

await benchmark(async (keep) => {
  const inspectorPort = await claimPort("127.0.0.1", 0);
  const shards = Math.ceil(clients / limits.connectionsPerShard);
  const fulmar = keep(await startFulmar({ shards, counting: true, inspectorPort }));
  const inspector = await Inspector.open(inspectorPort);
  const { target } = fulmar;
  await closeAll(await open(target, WARM_UP_CONNECTIONS, "warm", false));
  await wait(ASLEEP_MS);
  const before = await held(fulmar, inspector);

  const connected = await open(target, clients, "idle", false);
  const pings = setInterval(() => {
    for (const client of connected) client.ping();
  }, PING_MS);
  await wait(ASLEEP_MS);
  const online = await held(fulmar, inspector);
  const countsBefore = await readCounts(target);
  await wait(seconds * 1_000);
  const counts = since(await readCounts(target), countsBefore);
  clearInterval(pings);
  await closeAll(connected);
  await wait(ASLEEP_MS);

  const emptied = await held(fulmar, inspector);
  const sessions = await open(target, clients, "away", true);
  await Promise.all(sessions.map((client, i) => client.subscribe(`bench/idle/${i}`, 1)));
  await closeAll(sessions);
  await wait(ASLEEP_MS);
  const away = await held(fulmar, inspector);
  inspector.close();

  const each = (of: Held, from: Held) =>
    (["resident", "heap", "disk"] as const).map((name) => thousands((of[name] - from[name]) / clients));
  console.log(`\n${clients} clients, ${shards} shard(s) of each kind\n`);
  console.log(
    format(
      [
        ["bytes for each", "in RAM", "of it heap", "on disk"],
        ["connection, idle", ...each(online, before)],
        ["session with one subscription, client away", ...each(away, emptied)],
      ],
      1,
    ),
  );
  const names = Object.keys(counts)
    .filter((name) => counts[name] !== 0)
    .sort();
  console.log(`\nIn ${seconds} s with ${clients} idle connections that ping every ${PING_MS / 1_000} s:\n`);
  console.log(format([["count", "in all"], ...names.map((name) => [name, thousands(counts[name] ?? 0)])], 1));
});

async function open(target: Target, total: number, name: string, persistent: boolean): Promise<LoadClient[]> {
  const opened: LoadClient[] = [];
  let started = 0;
  const worker = async () => {
    while (started < total) {
      started += 1;
      const clientId = `${name}-${started}`;
      opened.push(await connect(target, { clientId, clean: !persistent, keepAliveSeconds: KEEP_ALIVE_SECONDS }));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return opened;
}

async function closeAll(opened: LoadClient[]): Promise<void> {
  await Promise.all(opened.map((client) => client.leave()));
}
