// Persistent sessions that are away: messages of QoS 1 are stored for them, and taken when they are back. The rate is of
// both together, messages through by the time that storing and taking took; latency is publish to PUBACK. What is counted
// is the storing, by messages published, and the taking on its own, by messages taken.

import type { Target } from "../client.ts";
import type { Counts } from "../counts.ts";
import { readCounts, since } from "../counts.ts";
import { connect, forget, newClientId, PAYLOAD } from "./clients.ts";
import { percentiles } from "./meter.ts";
import { Queue } from "./queue.ts";
import type { Result } from "./workload.ts";

const PATIENCE_MS = 10_000;

export interface Offline {
  sessions: number;
  /** Each session's own topic, or one for all. */
  topics: "own" | "one";
  /** Messages to each topic; a queue holds 1,000. */
  messages: number;
  publishers: number;
  /** Unacknowledged messages of a publisher. */
  window: number;
}

export async function offline(target: Target, seconds: number, options: Offline): Promise<Result> {
  const clientIds = Array.from({ length: options.sessions }, () => newClientId());
  const topics = clientIds.map((_, i) => `bench/offline/${options.topics === "own" ? i : 0}`);
  const round = { stored: 0, taken: 0, ms: 0, latencies: [] as number[], storing: {} as Counts, taking: {} as Counts };
  await inTurns(clientIds, async (clientId, i) => {
    const client = await connect(target, { clientId, clean: false });
    await client.subscribe(topics[i] ?? "", 1);
    await client.close();
  });
  const until = performance.now() + seconds * 1_000;
  do {
    const before = await readCounts(target);
    const from = performance.now();
    round.stored += await store(target, [...new Set(topics)], options, round.latencies);
    const between = await readCounts(target);
    add(round.storing, since(between, before));
    round.taken += await take(target, clientIds, options.messages);
    round.ms += performance.now() - from;
    add(round.taking, since(await readCounts(target), between));
  } while (performance.now() < until);
  await inTurns(clientIds, (clientId) => forget(target, clientId));
  const expected = options.topics === "own" ? round.stored : round.stored * options.sessions;
  return {
    perSecond: round.taken / (round.ms / 1_000),
    ...percentiles(round.latencies),
    lost: Math.max(0, expected - round.taken),
    counts: round.storing,
    counted: round.stored,
    taking: { counts: round.taking, counted: round.taken },
  };
}

function add(sums: Counts, counts: Counts): void {
  for (const [name, value] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + value;
}

/** Publishes to all topics and waits for every PUBACK. Returns how many messages that were. */
async function store(
  target: Target,
  topics: string[],
  { messages, publishers, window }: Offline,
  latencies: number[],
): Promise<number> {
  const clients = await Promise.all(Array.from({ length: publishers }, () => connect(target)));
  await Promise.all(
    clients.map((client, i) => {
      const own = topics.filter((_, at) => at % publishers === i);
      const publish = own.map((topic) => client.publisher(topic, 1, PAYLOAD));
      const total = own.length * messages;
      const sentAt = new Queue();
      let [sent, acknowledged] = [0, 0];
      const next = () => {
        if (sent === total) return;
        sentAt.push(performance.now());
        publish[sent % publish.length]?.();
        sent += 1;
      };
      return new Promise<void>((resolve) => {
        if (total === 0) resolve();
        client.onAcknowledged = () => {
          latencies.push(performance.now() - (sentAt.shift() ?? 0));
          acknowledged += 1;
          if (acknowledged === total) resolve();
          else next();
        };
        for (let n = 0; n < window; n++) next();
      });
    }),
  );
  await Promise.all(clients.map((client) => client.close()));
  return topics.length * messages;
}

/** All sessions come back and take what waits for them. Returns how many messages came. */
async function take(target: Target, clientIds: string[], messages: number): Promise<number> {
  let taken = 0;
  await inTurns(clientIds, async (clientId) => {
    let got = 0;
    let done = () => {};
    const all = new Promise<void>((resolve) => (done = resolve));
    const patience = setTimeout(done, PATIENCE_MS);
    const onMessage = () => {
      got += 1;
      taken += 1;
      if (got === messages) done();
    };
    const client = await connect(target, { clientId, clean: false, onMessage });
    await all;
    clearTimeout(patience);
    // Behind the last acknowledgement.
    await client.leave();
  });
  return taken;
}

const AT_A_TIME = 20;

async function inTurns(clientIds: string[], act: (clientId: string, i: number) => Promise<void>): Promise<void> {
  const waiting = clientIds.entries();
  const worker = async () => {
    for (const [i, clientId] of waiting) await act(clientId, i);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}
