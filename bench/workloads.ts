// The workloads. All are closed loops: so many messages are under way end to end, and one that arrives (QoS 0) or is
// acknowledged (QoS 1) is followed by the next. So no broker is made to drop, and every message sent must arrive.

import type { Target } from "./client.ts";
import { LoadClient } from "./client.ts";

export interface Result {
  /** Messages delivered (or connections made) a second. */
  perSecond: number;
  /** Milliseconds from publish to delivery (of connects: to CONNACK). */
  p50: number;
  p99: number;
  /** Messages that were sent and never came. */
  lost: number;
}

export interface WorkloadOptions {
  seconds: number;
}

export type Workload = (target: Target, options: WorkloadOptions) => Promise<Result>;

const PAYLOAD = Buffer.alloc(64, "x");
const WARM_UP_MS = 1_000;
const DRAIN_MS = 5_000;

export const workloads: Record<string, { title: string; run: Workload }> = {
  "pairs-qos0": { title: "5 publishers to 5 subscribers, QoS 0", run: (t, o) => pairs(t, o, 5, 0, 100) },
  "pairs-qos1": { title: "5 publishers to 5 subscribers, QoS 1", run: (t, o) => pairs(t, o, 5, 1, 20) },
  "fan-in": { title: "fan-in 20:1, QoS 1", run: (t, o) => fanIn(t, o, 20, 5) },
  "fan-out": { title: "fan-out 1:50, QoS 0", run: (t, o) => fanOut(t, o, 50, 20) },
  "round-trip": { title: "one at a time, QoS 1, publish to delivery", run: (t, o) => pairs(t, o, 1, 1, 1) },
  connects: { title: "1,000 connects, 50 at a time", run: (t) => connects(t, 1_000, 50) },
};

let clients = 0;
function connect(target: Target): Promise<LoadClient> {
  clients += 1;
  return LoadClient.connect(target, `load-${process.pid}-${clients}`);
}

/** Measures a running loop: warms up, counts for the given time, then lets what is under way arrive. */
class Meter {
  sent = 0;
  arrived = 0;
  stopped = false;
  #latencies: number[] = [];
  #measuring = false;

  deliver(sentAt: number | undefined): void {
    this.arrived += 1;
    if (this.#measuring && sentAt !== undefined) this.#latencies.push(performance.now() - sentAt);
  }

  async run(seconds: number, expected: () => number): Promise<Result> {
    await wait(WARM_UP_MS);
    this.#measuring = true;
    const [from, before] = [performance.now(), this.arrived];
    await wait(seconds * 1_000);
    const perSecond = (this.arrived - before) / ((performance.now() - from) / 1_000);
    this.#measuring = false;
    this.stopped = true;
    const deadline = performance.now() + DRAIN_MS;
    while (this.arrived < expected() && performance.now() < deadline) await wait(20);
    return { perSecond, ...percentiles(this.#latencies), lost: Math.max(0, expected() - this.arrived) };
  }
}

/** Each publisher has a subscriber and a topic of its own, and `window` messages under way. */
async function pairs(
  target: Target,
  { seconds }: WorkloadOptions,
  count: number,
  qos: 0 | 1,
  window: number,
): Promise<Result> {
  const meter = new Meter();
  const all: LoadClient[] = [];
  const starts: (() => void)[] = [];
  for (let i = 0; i < count; i++) {
    const [subscriber, publisher] = [await connect(target), await connect(target)];
    all.push(subscriber, publisher);
    const topic = `bench/pairs/${i}`;
    await subscriber.subscribe(topic, qos);
    const publish = publisher.publisher(topic, qos, PAYLOAD);
    const sentAt = new Queue();
    const next = () => {
      if (meter.stopped) return;
      meter.sent += 1;
      sentAt.push(performance.now());
      publish();
    };
    // A message is through when it was delivered and, at QoS 1, acknowledged.
    const waiting = { delivered: 0, acknowledged: 0 };
    const step = () => {
      while (waiting.delivered > 0 && waiting.acknowledged > 0) {
        waiting.delivered -= 1;
        waiting.acknowledged -= 1;
        next();
      }
    };
    subscriber.onMessage = () => {
      meter.deliver(sentAt.shift());
      waiting.delivered += 1;
      if (qos === 0) waiting.acknowledged += 1;
      step();
    };
    publisher.onAcknowledged = () => {
      waiting.acknowledged += 1;
      step();
    };
    starts.push(() => {
      for (let n = 0; n < window; n++) next();
    });
  }
  for (const start of starts) start();
  const result = await meter.run(seconds, () => meter.sent);
  for (const client of all) client.close();
  return result;
}

/** Many publishers, one subscriber; each publisher has `window` unacknowledged. Latency is publish to PUBACK. */
async function fanIn(target: Target, { seconds }: WorkloadOptions, count: number, window: number): Promise<Result> {
  const meter = new Meter();
  const acknowledged = new Meter();
  const subscriber = await connect(target);
  await subscriber.subscribe("bench/fan-in/+", 1);
  subscriber.onMessage = () => meter.deliver(undefined);
  const publishers = await Promise.all(Array.from({ length: count }, () => connect(target)));
  for (const [i, publisher] of publishers.entries()) {
    const publish = publisher.publisher(`bench/fan-in/${i}`, 1, PAYLOAD);
    const sentAt = new Queue();
    const next = () => {
      if (meter.stopped) return;
      meter.sent += 1;
      sentAt.push(performance.now());
      publish();
    };
    publisher.onAcknowledged = () => {
      acknowledged.deliver(sentAt.shift());
      next();
    };
    for (let n = 0; n < window; n++) next();
  }
  const [delivered, answered] = await Promise.all([
    meter.run(seconds, () => meter.sent),
    acknowledged.run(seconds, () => meter.sent),
  ]);
  for (const client of [subscriber, ...publishers]) client.close();
  return { ...delivered, p50: answered.p50, p99: answered.p99 };
}

/** One publisher, many subscribers; a message is through when the last subscriber has it. */
async function fanOut(target: Target, { seconds }: WorkloadOptions, count: number, window: number): Promise<Result> {
  const meter = new Meter();
  const publisher = await connect(target);
  const subscribers = await Promise.all(Array.from({ length: count }, () => connect(target)));
  await Promise.all(subscribers.map((subscriber) => subscriber.subscribe("bench/fan-out", 0)));
  const publish = publisher.publisher("bench/fan-out", 0, PAYLOAD);
  const sentAt: number[] = [];
  const got = subscribers.map(() => 0);
  const left: number[] = [];
  let through = 0;
  const next = () => {
    if (meter.stopped) return;
    meter.sent += 1;
    sentAt.push(performance.now());
    left.push(count);
    publish();
  };
  for (const [i, subscriber] of subscribers.entries()) {
    subscriber.onMessage = () => {
      const message = got[i] ?? 0;
      got[i] = message + 1;
      meter.deliver(sentAt[message]);
      left[message] = (left[message] ?? 0) - 1;
      while (left[through] === 0) {
        through += 1;
        next();
      }
    };
  }
  for (let n = 0; n < window; n++) next();
  const result = await meter.run(seconds, () => meter.sent * count);
  for (const client of [publisher, ...subscribers]) client.close();
  return result;
}

async function connects(target: Target, count: number, atATime: number): Promise<Result> {
  const latencies: number[] = [];
  const all: LoadClient[] = [];
  let started = 0;
  const from = performance.now();
  const worker = async () => {
    while (started < count) {
      started += 1;
      const begun = performance.now();
      all.push(await connect(target));
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  const perSecond = count / ((performance.now() - from) / 1_000);
  for (const client of all) client.close();
  return { perSecond, ...percentiles(latencies), lost: 0 };
}

/** First in, first out, without moving what is behind. */
class Queue {
  #values: number[] = [];
  #first = 0;

  push(value: number): void {
    this.#values.push(value);
  }

  shift(): number | undefined {
    const value = this.#values[this.#first++];
    if (this.#first > 1_000 && this.#first * 2 > this.#values.length) {
      this.#values = this.#values.slice(this.#first);
      this.#first = 0;
    }
    return value;
  }
}

function percentiles(latencies: number[]): { p50: number; p99: number } {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
