// A full shard of each kind that wakes to deliver one message: rows read, CPU and time, as its store grows to 30,000
// sessions with 100,000 subscriptions and 1,000,000 retained messages. The first message after a sleep is beside those
// that follow it.

import { LoadClient, stampOf, type Target } from "../client.ts";
import { type Counts, readCounts, since } from "../counts.ts";
import { cpuMilliseconds } from "../processes.ts";
import { count, format } from "../table.ts";
import { wait } from "../wait.ts";
import { PAYLOAD } from "../workloads/clients.ts";
import type { Service } from "./ceiling.ts";
import { crowd, disperse, quiet } from "./crowd.ts";

/** Of the sessions that are asked for. */
const STEPS = [1 / 30, 1 / 3, 1];
const WAKES = 3;
/** A deadline of its own may have woken a shard a moment before: then it is tried again, so often in all. */
const TRIES = 8;
/** An object that had nothing to do for ten seconds sleeps. */
const ASLEEP_MS = 15_000;
/** The service lets so many in at once from one address, and so many a second. */
const CONNECTS = 2_000;
const CONNECTS_PER_SECOND = 450;
const RETAINED_EACH = 1_000 / 30;
const RETAINERS = 10;
const RETAINED_WINDOW = 200;
const SESSION_EXPIRY_SECONDS = 86_400;
const SITES = 100;

interface Delivered {
  ms: number;
  cpuMs: number;
  counts: Counts;
}

export async function waking({ fulmar }: Service, sessions: number): Promise<string> {
  const { target } = fulmar;
  const lines = [
    ["sessions", "subscriptions", "retained", "message", "rows read, session shard", "topic shard", "CPU ms", "ms"],
  ];
  let made = 0;
  for (const step of STEPS) {
    const total = Math.max(made, Math.round(sessions * step));
    console.error(`waking: ${count(total)} sessions`);
    await fill(target, made, total);
    made = total;
    const stats = (await fulmar.ask("/stats?aggregate=true")) as Counts;
    const sizes = ["sessions.count", "subscriptions.count", "retained.count"].map((name) => count(stats[name] ?? 0));
    for (const [name, pause] of [
      ["cold", ASLEEP_MS],
      ["warm", 0],
    ] as const) {
      const { ms, cpuMs, counts } = await median(target, pause);
      const rows = (kind: string) => count(counts[`${kind}.rowsRead`] ?? 0);
      lines.push([...sizes, name, rows("session"), rows("topic"), cpuMs.toFixed(1), ms.toFixed(1)]);
    }
  }
  return format(lines, 0);
}

/** Of some deliveries the one with the median of CPU time. */
async function median(target: Target, pauseMs: number): Promise<Delivered> {
  const subscriber = await LoadClient.connect(target, quiet());
  await subscriber.subscribe(`site-1/device-1/wake`, 0);
  const publisher = await LoadClient.connect(target, quiet());
  const publish = publisher.publisher("site-1/device-1/wake", 0, PAYLOAD);
  const all: Delivered[] = [];
  for (let tries = 0; tries < TRIES && all.length < WAKES; tries++) {
    await wait(pauseMs);
    const delivered = await deliver(target, subscriber, publish);
    if (pauseMs === 0 || hasStarted(delivered)) all.push(delivered);
  }
  await disperse([subscriber, publisher]);
  const sorted = all.toSorted((a, b) => a.cpuMs - b.cpuMs);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("the shards do not sleep");
  return middle;
}

/** Both shards did, to deliver it. */
function hasStarted({ counts }: Delivered): boolean {
  return counts["session.starts"] === 1 && counts["topic.starts"] === 1;
}

async function deliver(target: Target, subscriber: LoadClient, publish: (due: number) => void): Promise<Delivered> {
  const before = await readCounts(target);
  const cpuBefore = await cpuMilliseconds(target.pid);
  const ms = await new Promise<number>((resolve) => {
    subscriber.onMessage = (bytes, end) => resolve(performance.now() - stampOf(bytes, end));
    publish(performance.now());
  });
  const cpuMs = (await cpuMilliseconds(target.pid)) - cpuBefore;
  return { ms, cpuMs, counts: since(await readCounts(target), before) };
}

/** Sessions `from` to `to`, each with 3 or 4 subscriptions and 33 or 34 retained messages; their clients are away. */
async function fill(target: Target, from: number, to: number): Promise<void> {
  const options = { sessionExpirySeconds: SESSION_EXPIRY_SECONDS };
  for (let first = from; first < to;) {
    const begun = performance.now();
    const some = Math.min(CONNECTS, to - first);
    const start = first;
    const clients = await crowd(target, some, options, async (client, place) => {
      await client.subscribeAll(filtersOf(start + place), 1);
      await client.leave();
    });
    await disperse(clients);
    first += some;
    await wait(Math.max(0, (some / CONNECTS_PER_SECOND) * 1_000 - (performance.now() - begun)));
  }
  await retain(target, Math.round(from * RETAINED_EACH), Math.round(to * RETAINED_EACH));
}

/** All shapes: most filters are exact, some have a wildcard behind the levels that are theirs alone, or before. */
function filtersOf(session: number): string[] {
  const site = `site-${session % SITES}`;
  const device = `${site}/device-${session}`;
  const exact = [`${device}/set`, `${device}/config/version`];
  const more = session % 3 === 0 ? [`+/device-${session}/alarm`] : [];
  return [...exact, `${device}/command/#`, ...more];
}

async function retain(target: Target, from: number, to: number): Promise<void> {
  const clients = await crowd(target, RETAINERS);
  let [next, acknowledged] = [from, from];
  await new Promise<void>((resolve) => {
    const publishNext = (client: LoadClient) => {
      if (next >= to) return;
      const number = next++;
      const session = Math.floor(number / RETAINED_EACH);
      const topic = `site-${session % SITES}/device-${session}/state/${number}`;
      client.publisher(topic, 1, PAYLOAD, true)();
    };
    for (const client of clients) {
      client.onAcknowledged = () => {
        acknowledged += 1;
        if (acknowledged >= to) resolve();
        else publishNext(client);
      };
      for (let n = 0; n < RETAINED_WINDOW; n++) publishNext(client);
    }
    if (from >= to) resolve();
  });
  await disperse(clients);
}
