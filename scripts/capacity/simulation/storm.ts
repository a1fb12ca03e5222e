// Many devices connect: each tries, is refused or waits its turn, and tries again later. Their user is looked up at the one
// Deployment object, then they attach at the session shard of their client id; both serve one after the other. Pure.

import { BucketQueue } from "./bucket-queue.ts";
import { randomFrom } from "./random.ts";

export interface StormPlan {
  /** The shard of each device that connects. */
  shardOf: Uint16Array;
  /** Links that each shard has already, of devices that stay. */
  linksOf: Uint32Array;
  /** Over which the first attempts are spread; null: they wait as after any other failure. */
  rampMs: number | null;
  /** The wait before a try is random, up to this, doubled with each failure (full jitter). */
  backOffMs: number;
  backOffMsMax: number;
  attachesPerSecond: number;
  /** Share of a shard's time that the messages of all its devices take. */
  messagesShare: number;
  /** Links of a shard when all of its devices are there. */
  linksAll: number;
  linksMax: number;
  lookupShare: number;
  lookupsPerSecond: number;
  /** A request that would wait longer is refused. */
  queueMs: number;
  hibernatesAfterMs: number;
  seed: number;
  /** The storm is watched for so long. */
  endMs: number;
}

export interface StormResult {
  /** Where they are at the end: all of them together are those of the plan. */
  connected: number;
  waiting: number;
  queued: number;
  attempts: number;
  refused: { lookup: number; overloaded: number; full: number };
  /** Until 99 % and all are connected, seconds; null: they are not. */
  seconds99: number | null;
  secondsAll: number | null;
  /** Most in a second: attempts and connects of all, connects at one shard. */
  attemptsPerSecond: number;
  connectsPerSecond: number;
  shardConnectsPerSecond: number;
  /** Longest wait of one that was served, in either queue. */
  longestQueueMs: number;
  /** Shards that were hibernating when somebody came. */
  wakeUps: number;
}

const TICK_MS = 10;
const waits = 0;
const lookedUp = 1;
const attaches = 2;
const connected = 3;

export function simulateStorm(plan: StormPlan): StormResult {
  const { shardOf, queueMs } = plan;
  const devices = shardOf.length;
  const random = randomFrom(plan.seed);
  const queue = new BucketQueue(devices, TICK_MS, plan.endMs);
  const state = new Uint8Array(devices);
  const failures = new Uint8Array(devices);
  const links = Uint32Array.from(plan.linksOf);
  const lookups = new Server(1_000 / plan.lookupsPerSecond);
  const shards = Array.from(links, () => new Server(1_000 / plan.attachesPerSecond));
  const lastEvent = new Float64Array(links.length).fill(Number.NEGATIVE_INFINITY);
  const attempts = new PerSecond(1);
  const connects = new PerSecond(1);
  const shardConnects = new PerSecond(links.length);
  const refused = { lookup: 0, overloaded: 0, full: 0 };
  const result = { connected: 0, seconds99: null as number | null, secondsAll: null as number | null, wakeUps: 0 };

  const wait = (device: number, now: number) => {
    state[device] = waits;
    const longest = Math.min(plan.backOffMsMax, plan.backOffMs * 2 ** (failures[device] ?? 0));
    queue.add(device, now + random() * longest);
  };
  const refuse = (device: number, now: number, why: keyof typeof refused) => {
    refused[why] += 1;
    failures[device] = Math.min(30, (failures[device] ?? 0) + 1);
    wait(device, now);
  };
  const attach = (device: number, now: number) => {
    const shard = shardOf[device] ?? 0;
    if (now - (lastEvent[shard] ?? 0) > plan.hibernatesAfterMs) result.wakeUps += 1;
    lastEvent[shard] = now;
    const taken = links[shard] ?? 0;
    if (taken >= plan.linksMax) {
      refuse(device, now, "full");
      return;
    }
    // Those that are connected already send their messages meanwhile.
    const busy = plan.messagesShare * Math.min(1, taken / plan.linksAll);
    const done = shards[shard]?.serve(now, queueMs, 1 / (1 - busy)) ?? null;
    if (done === null) {
      refuse(device, now, "overloaded");
      return;
    }
    links[shard] = taken + 1;
    state[device] = attaches;
    queue.add(device, done);
  };
  const begin = (device: number, now: number) => {
    attempts.count(0, now);
    if (random() >= plan.lookupShare) {
      attach(device, now);
      return;
    }
    const done = lookups.serve(now, queueMs, 1);
    if (done === null) {
      refuse(device, now, "lookup");
      return;
    }
    state[device] = lookedUp;
    queue.add(device, done);
  };
  const arrive = (device: number, now: number) => {
    state[device] = connected;
    result.connected += 1;
    connects.count(0, now);
    shardConnects.count(shardOf[device] ?? 0, now);
    if (result.seconds99 === null && result.connected >= 0.99 * devices) result.seconds99 = now / 1_000;
    if (result.connected === devices) result.secondsAll = now / 1_000;
  };

  for (let device = 0; device < devices; device++) {
    if (plan.rampMs === null) wait(device, 0);
    else queue.add(device, random() * plan.rampMs);
  }
  for (let device = queue.take(); device !== null; device = queue.take()) {
    const now = queue.nowMs;
    if (state[device] === waits) begin(device, now);
    else if (state[device] === lookedUp) attach(device, now);
    else arrive(device, now);
  }
  let queued = 0;
  for (const each of state) if (each === lookedUp || each === attaches) queued += 1;
  return {
    ...result,
    queued,
    waiting: state.reduce((sum, each) => sum + (each === waits ? 1 : 0), 0),
    attempts: attempts.total,
    refused,
    attemptsPerSecond: attempts.most,
    connectsPerSecond: connects.most,
    shardConnectsPerSecond: shardConnects.most,
    longestQueueMs: Math.max(lookups.longestMs, ...shards.map(({ longestMs }) => longestMs)),
  };
}

/** Serves one after the other, in the order in which they come. */
class Server {
  readonly #serviceMs: number;
  #freeAt = 0;
  longestMs = 0;

  constructor(serviceMs: number) {
    this.#serviceMs = serviceMs;
  }

  /** When it has served one that comes now, `times` as long as usual; null: that would have to wait for too long. */
  serve(now: number, queueMs: number, times: number): number | null {
    const waitMs = Math.max(0, this.#freeAt - now);
    if (waitMs > queueMs) return null;
    this.longestMs = Math.max(this.longestMs, waitMs);
    this.#freeAt = now + waitMs + this.#serviceMs * times;
    return this.#freeAt;
  }
}

/** Counts events of several kinds, which come in the order of time: the most of a kind in a second. */
class PerSecond {
  readonly #second: Int32Array;
  readonly #counts: Uint32Array;
  most = 0;
  total = 0;

  constructor(kinds: number) {
    this.#second = new Int32Array(kinds);
    this.#counts = new Uint32Array(kinds);
  }

  count(kind: number, now: number): void {
    const second = Math.floor(now / 1_000);
    const counted = this.#second[kind] === second ? (this.#counts[kind] ?? 0) + 1 : 1;
    this.#second[kind] = second;
    this.#counts[kind] = counted;
    this.most = Math.max(this.most, counted);
    this.total += 1;
  }
}
