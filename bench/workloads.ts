// The workloads by name. Of most the loop is closed: so many messages are under way end to end, and one that arrives (QoS
// 0) or is acknowledged is followed by the next. So no broker is made to drop, and every message sent must arrive.

import { randomFrom } from "../scripts/capacity/simulation/random.ts";
import { connects } from "./workloads/connects.ts";
import { fanIn } from "./workloads/fan-in.ts";
import { fanOut } from "./workloads/fan-out.ts";
import { offline } from "./workloads/offline.ts";
import { pairs } from "./workloads/pairs.ts";
import { steady } from "./workloads/steady.ts";
import type { Workload } from "./workloads/workload.ts";

const pairsOf = (qos: 0 | 1 | 2, window: number, persistent = false): Workload => ({
  title: `5 publishers to 5 ${persistent ? "persistent sessions" : "subscribers"}, QoS ${qos}`,
  loop: "closed",
  run: (target, { seconds, times }) => pairs(target, seconds, { count: 5 * times, qos, window, persistent }),
});

const fanOutTo = (subscribers: number, window: number): Workload => ({
  title: `fan-out 1:${subscribers}, QoS 0`,
  loop: "closed",
  run: (target, { seconds, times }) => fanOut(target, seconds, subscribers, window * times),
});

export const workloads: Record<string, Workload> = {
  "pairs-qos0": pairsOf(0, 100),
  "pairs-qos1": pairsOf(1, 20),
  "pairs-qos2": pairsOf(2, 20),
  "fan-in": {
    title: "fan-in 20:1, QoS 1 (latency: to PUBACK)",
    loop: "closed",
    run: (target, { seconds }) => fanIn(target, seconds, 20, 5),
  },
  "fan-out": fanOutTo(50, 20),
  "fan-out-200": fanOutTo(200, 20),
  persistent: pairsOf(1, 20, true),
  offline: {
    title: "20 sessions away, each 500 stored and taken, QoS 1 (latency: to PUBACK)",
    loop: "closed",
    run: (target, { seconds }) =>
      offline(target, seconds, { sessions: 20, topics: "own", messages: 500, publishers: 5, window: 20 }),
  },
  "offline-fan-out": {
    title: "1 publisher to 50 sessions away, 100 stored and taken, QoS 1 (latency: to PUBACK)",
    loop: "closed",
    run: (target, { seconds }) =>
      offline(target, seconds, { sessions: 50, topics: "one", messages: 100, publishers: 1, window: 20 }),
  },
  steady: {
    title: "20 publishers to 20 subscribers, 2,000 a second in all, QoS 1",
    loop: "open",
    run: (target, { seconds }) => steady(target, seconds, { count: 20, perSecond: 2_000 }),
  },
  random: {
    title: "64 publishers to 64 subscribers, 16 a second at random, QoS 1",
    loop: "open",
    run: (target, { seconds }) => steady(target, seconds, { count: 64, perSecond: 16, random: randomFrom(1) }),
  },
  "round-trip": {
    title: "one at a time, QoS 1, publish to delivery",
    loop: "closed",
    run: (target, { seconds }) => pairs(target, seconds, { count: 1, qos: 1, window: 1 }),
  },
  connects: {
    title: "1,000 connects, 50 at a time (latency: to CONNACK)",
    loop: "closed",
    run: (target) => connects(target, 1_000, 50),
  },
};
