// Messages and PINGREQs of connected devices, one by one: what comes into objects, which streams are opened, how long each
// object is awake. It shows what the model says by other means. Pure.

import { UNUSED_MS } from "../../../src/platform/stream-watch.ts";
import { BucketQueue } from "./bucket-queue.ts";
import type { MessageCounts, Step } from "./messages.ts";
import { Messages } from "./messages.ts";
import { randomFrom } from "./random.ts";

export interface TrafficPlan {
  devices: number;
  publishPerMinute: number;
  /** 0: none. */
  keepAliveSeconds: number;
  qos: 0 | 1 | 2;
  sessionShards: number;
  topicShards: number;
  streamIdleMs: number;
  /** Of a device that publishes. */
  shardOf(device: number): number;
  /** Of each session that gets a message. `random` gives numbers in [0, 1). */
  subscribers(random: () => number, publisher: number): readonly number[];
  seed: number;
  /** What is counted, behind a time that is not: streams may have been open before. */
  windowMs: number;
}

export interface TrafficResult extends MessageCounts {
  /** Share of the time in which an object of the kind is awake. */
  sessionAwake: number;
  topicAwake: number;
  wakeUps: number;
}

const TICK_MS = 1;
/** So much is not counted: at least so long, and until the streams are as they stay. */
const WARM_UP_MS = 1_000;
const WARM_UP_IDLE_TIMES = 4;
/** Messages of a pair of shards, after which its stream was surely opened if it stays open. */
const WARM_UP_USES = 10;

export function simulateTraffic(plan: TrafficPlan): TrafficResult {
  const { devices } = plan;
  const random = randomFrom(plan.seed);
  const fromMs = warmUpMs(plan);
  const endMs = fromMs + plan.windowMs;
  const publishMs = 60_000 / plan.publishPerMinute;
  const pingMs = plan.keepAliveSeconds * 1_000;
  // Each device has two things in the queue, its next publish and its next ping. Behind them are the steps under way.
  const queue = new BucketQueue(2 * devices, TICK_MS, endMs);
  const steps: (Step | null)[] = [];
  const free: number[] = [];
  const later = (at: number, step: Step) => {
    const place = free.pop() ?? steps.length;
    steps[place] = step;
    queue.add(2 * devices + place, at);
  };
  const messages = new Messages(plan, random, later, fromMs);
  for (let device = 0; device < devices; device++) {
    if (plan.publishPerMinute > 0) queue.add(device, random() * publishMs);
    if (pingMs > 0) queue.add(devices + device, random() * pingMs);
  }
  for (let thing = queue.take(); thing !== null; thing = queue.take()) {
    const now = queue.nowMs;
    if (thing < devices) {
      messages.publish(thing, now);
      queue.add(thing, now + publishMs);
    } else if (thing < 2 * devices) {
      messages.ping(now);
      queue.add(thing, now + pingMs);
    } else {
      const place = thing - 2 * devices;
      const step = steps[place];
      steps[place] = null;
      free.push(place);
      step?.(now);
    }
  }
  const { counts, sessions, topics } = messages;
  return {
    ...counts,
    sessionAwake: sessions.awakeShare(endMs),
    topicAwake: topics.awakeShare(endMs),
    wakeUps: sessions.wakeUps + topics.wakeUps,
  };
}

function warmUpMs({ devices, publishPerMinute, sessionShards, topicShards, streamIdleMs }: TrafficPlan): number {
  const pairMs = (60_000 * sessionShards * topicShards) / (devices * publishPerMinute);
  return Math.max(WARM_UP_MS, WARM_UP_IDLE_TIMES * streamIdleMs, Math.min(UNUSED_MS, WARM_UP_USES * pairMs));
}
