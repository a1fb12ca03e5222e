// `npm run bench:moving`: what clients notice while a deployment gets more shards. Publishers and subscribers with lasting
// sessions, at a rate, before and while slots move: how late messages are, how often clients connect again, what is lost.

import { setTimeout as pass } from "node:timers/promises";
import mqtt, { type MqttClient } from "mqtt";
import { slotOfClientId, slotOfTopic } from "../src/broker/topics/slots.ts";
import { benchmark } from "./benchmark.ts";
import { type Fulmar, startFulmar } from "./brokers/fulmar.ts";
import { count as shardCount, notNegative, positive, readOptions, shards as shardsOption } from "./options.ts";
import { count, format } from "./table.ts";

const BEFORE_MS = 5_000;
const BEHIND_MS = 2_000;

const usage = "bench:moving: [--from N] [--to N] [--pairs N] [--rate N] [--retained N] [--large N] [--queued N]";
const options = readOptions(usage, {
  from: shardsOption.default(1),
  to: shardsOption.default(4),
  pairs: shardCount.default(50),
  /** Messages a second, of all. */
  rate: positive.default(1_000),
  retained: shardCount.default(5_000),
  /** Retained messages of 1,000 bytes in one slot of the last shard. */
  large: notNegative.default(0),
  /** The same, in the queues of a hundred sessions that are away. */
  queued: notNegative.default(0),
});

/** What was seen in one part of the run. */
class Part {
  readonly latencies: number[] = [];
  sent = 0;
  connects = 0;

  line(name: string, seconds: number): string[] {
    const sorted = this.latencies.toSorted((a, b) => a - b);
    const at = (part: number) =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(0);
    return [name, seconds.toFixed(1), count(this.sent), at(0.5), at(0.99), at(1), String(this.connects)];
  }
}

function connect({ target }: Fulmar, clientId: string): MqttClient {
  const client = mqtt.connect(target.url, {
    username: target.username,
    password: target.password,
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 3_600 },
    reconnectPeriod: 100,
  });
  client.on("error", () => {}); // Refused while its session moves: it tries again.
  return client;
}

interface Moving {
  shards: { done: boolean; moving: { kind: string; slots: number } | null };
}

const LARGE = "x".repeat(1_000);
const AWAY = 100;

/** Names with the same slot, of the upper half. */
function inOneSlot(wanted: number, name: (i: number) => string, slotOf: (name: string) => number): string[] {
  const bySlot = new Map<number, string[]>();
  for (let i = 0; ; i++) {
    const known = [...(bySlot.get(slotOf(name(i))) ?? []), name(i)];
    bySlot.set(slotOf(name(i)), known);
    if (slotOf(name(i)) >= 512 && known.length === wanted) return known;
  }
}

async function publishAll(publishers: MqttClient[], topics: readonly string[], retain: boolean): Promise<void> {
  for (let i = 0; i < topics.length; i += 500) {
    const some = topics.slice(i, i + 500);
    await Promise.all(
      some.map((topic, n) => publishers[n % publishers.length]?.publishAsync(topic, LARGE, { qos: 1, retain })),
    );
  }
}

/** Fills one slot of topics and one of sessions. */
async function fill(fulmar: Fulmar, publishers: MqttClient[]): Promise<void> {
  const { large, queued } = options;
  const [level = ""] = inOneSlot(1, (i) => `large-${i}/x`, slotOfTopic);
  await publishAll(
    publishers,
    Array.from({ length: large }, (_, i) => `${level}/${i}`),
    true,
  );
  if (queued === 0) return;
  for (const [i, id] of inOneSlot(AWAY, (n) => `away ${n}`, slotOfClientId).entries()) {
    const client = connect(fulmar, id);
    await client.subscribeAsync(`away-${i}/x`, { qos: 1 });
    await client.endAsync();
  }
  await publishAll(
    publishers,
    Array.from({ length: queued }, (_, i) => `away-${i % AWAY}/x`),
    false,
  );
}

await benchmark(async (keep) => {
  const { from, to, pairs, rate, retained } = options;
  const fulmar = keep(await startFulmar({ shards: from }));
  let part = new Part();
  const waiting = new Set<string>();
  const clients: MqttClient[] = [];
  const publishers: MqttClient[] = [];
  for (let i = 0; i < pairs; i++) {
    const [subscriber, publisher] = [connect(fulmar, `subscriber ${i}`), connect(fulmar, `publisher ${i}`)];
    clients.push(subscriber, publisher);
    publishers.push(publisher);
    await subscriber.subscribeAsync(`bench-${i}/x`, { qos: 1 });
    subscriber.on("message", (_topic, payload) => {
      const text = payload.toString();
      if (waiting.delete(text)) part.latencies.push(performance.now() - Number(text.split(" ")[1]));
    });
  }
  for (let i = 0; i < retained; i += 100) {
    const some = Array.from({ length: Math.min(100, retained - i) }, (_, n) =>
      publishers[n % pairs]?.publishAsync(`kept-${i + n}/x`, "x".repeat(100), { qos: 1, retain: true }),
    );
    await Promise.all(some);
  }
  await fill(fulmar, publishers);
  for (const client of clients) client.on("connect", () => (part.connects += 1));

  const load = { sent: 0, stopped: false };
  const began = performance.now();
  const sending = (async () => {
    while (!load.stopped) {
      for (; load.sent < ((performance.now() - began) / 1_000) * rate; load.sent++) {
        const { sent } = load;
        const text = `${sent} ${performance.now()}`;
        waiting.add(text);
        part.sent += 1;
        publishers[sent % pairs]?.publish(`bench-${sent % pairs}/x`, text, { qos: 1 });
      }
      await pass(1);
    }
  })();

  const lines = [["", "seconds", "messages", "p50 ms", "p99 ms", "most ms", "connects"]];
  await pass(BEFORE_MS);
  lines.push(part.line(`${from} of each kind`, BEFORE_MS / 1_000));
  part = new Part();
  const movesFrom = performance.now();
  await fulmar.manage("PATCH", "", { shards: { session: to, topic: to } });
  const alone = new Map<string, { from: number; to: number }>();
  for (;;) {
    const { done, moving } = ((await fulmar.manage("GET", "/shards")) as Moving).shards;
    if (done) break;
    const now = performance.now();
    if (moving?.slots === 1) alone.set(moving.kind, { from: alone.get(moving.kind)?.from ?? now, to: now });
    await pass(50);
  }
  const seconds = (performance.now() - movesFrom) / 1_000;
  await pass(500); // What was under way.
  lines.push(part.line(`to ${to} of each`, seconds));
  part = new Part();
  await pass(BEFORE_MS);
  lines.push(part.line(`${to} of each kind`, BEFORE_MS / 1_000));
  load.stopped = true;
  await sending;
  for (const until = performance.now() + BEHIND_MS; waiting.size > 0 && performance.now() < until;) await pass(20);
  await Promise.all(clients.map((client) => client.endAsync(true)));
  console.log(format(lines, 0));
  for (const [kind, { from: first, to: last }] of alone) {
    console.log(`a slot moved alone, of the ${kind} shards: ${((last - first) / 1_000).toFixed(1)} s`);
  }
  console.log(`${count(2 * pairs)} clients with lasting sessions, ${count(retained)} retained; lost: ${waiting.size}`);
});
