// What is simulated for a deployment: its devices connect, lose their connections in a deploy, are moved with their shard
// or a slot; and its messages, for a while. Pure.

import { limits } from "../../src/broker/limits.ts";
import { SlotMap } from "../../src/broker/topics/slot-map.ts";
import { SLOTS, slotOfClientId } from "../../src/broker/topics/slots.ts";
import { platform, work } from "./measured.ts";
import { messageCpu, messageWork } from "./message-work.ts";
import type { CapacityOptions } from "./options.ts";
import type { Shards } from "./shards.ts";
import type { StormPlan, StormResult } from "./simulation/storm.ts";
import { simulateStorm } from "./simulation/storm.ts";
import type { TrafficResult } from "./simulation/traffic.ts";
import { simulateTraffic } from "./simulation/traffic.ts";

export interface Storm extends StormResult {
  title: string;
  devices: number;
}

export interface Simulation {
  storms: Storm[];
  /** At a session shard, planned. */
  attachesPerSecond: number;
  traffic: TrafficResult & { seconds: number };
}

/** A storm is watched for so long, and for the ramp before. */
const STORM_MS = 2 * 3_600_000;
/** Messages, deliveries and PINGREQs that are simulated, if there are so many in the longest window. */
const EVENTS = 600_000;
const WINDOW_MS = 600_000;

export function simulate(options: CapacityOptions, shards: Shards): Simulation {
  const slots = slotsOf(options.devices);
  return {
    attachesPerSecond: attachesPerSecond(options),
    storms: stormsOf(options, shards, slots),
    traffic: trafficOf(options, shards, slots),
  };
}

/** Attaches a second of a session shard: of a core's share, and what the platform says of an object that writes. */
export function attachesPerSecond({ utilisation }: CapacityOptions): number {
  return Math.min((utilisation * 1e6) / work.connectMicroseconds, platform.objectWritesPerSecond);
}

function stormsOf(options: CapacityOptions, shards: Shards, slots: Uint16Array): Storm[] {
  const map = SlotMap.even(shards.session);
  const shardOf = slots.map((slot) => map.shardOf(slot));
  const all = new Uint32Array(shards.session);
  for (const shard of shardOf) all[shard] = (all[shard] ?? 0) + 1;
  const none = new Uint32Array(shards.session);
  const [largest, linksAll] = most(all);
  const plan = { ...commonPlan(options, shards), linksAll, shardOf, linksOf: none };

  const ofShard = shardOf.filter((shard) => shard === largest);
  const withoutShard = all.map((links, shard) => (shard === largest ? 0 : links));

  // The largest slot goes to the shard that is the least full.
  const perSlot = new Uint32Array(SLOTS);
  for (const slot of slots) perSlot[slot] = (perSlot[slot] ?? 0) + 1;
  const [slot, moved] = most(perSlot);
  const from = map.shardOf(slot);
  const left = all.map((links, shard) => (shard === from ? links - moved : links));
  const to = left.indexOf(Math.min(...left));

  return [
    storm(`all connect for the first time, within ${options.rampSeconds} s`, {
      ...plan,
      rampMs: options.rampSeconds * 1_000,
    }),
    storm("a deploy, few users: the edge knows them", { ...plan, lookupShare: 0 }),
    storm("a deploy, each device has a user of its own", { ...plan, lookupShare: 1 }),
    storm("the largest shard moves", { ...plan, shardOf: ofShard, linksOf: withoutShard }),
    storm("the largest slot moves", { ...plan, shardOf: new Uint16Array(moved).fill(to), linksOf: left }),
  ];
}

type CommonPlan = Omit<StormPlan, "shardOf" | "linksOf" | "linksAll">;

function commonPlan(options: CapacityOptions, shards: Shards): CommonPlan {
  const publishesPerSecond = (options.devices * options.publishPerMinute) / 60;
  const load = { ...options, publishesPerSecond, sessionShards: shards.session, topicShards: shards.topic };
  return {
    rampMs: null,
    backOffMs: options.backOffSeconds * 1_000,
    backOffMsMax: options.backOffSecondsMax * 1_000,
    attachesPerSecond: attachesPerSecond(options),
    messagesShare: Math.min(0.99, (publishesPerSecond * messageCpu(messageWork(load)).session) / shards.session / 1e6),
    linksMax: limits.connectionsPerShard,
    lookupShare: options.lookupShare,
    lookupsPerSecond: platform.objectRequestsPerSecond,
    queueMs: platform.objectQueueMs,
    hibernatesAfterMs: platform.hibernatesAfterMs,
    seed: options.seed,
    endMs: STORM_MS + options.rampSeconds * 1_000,
  };
}

function storm(title: string, plan: StormPlan): Storm {
  return { title, devices: plan.shardOf.length, ...simulateStorm(plan) };
}

function trafficOf(options: CapacityOptions, shards: Shards, slots: Uint16Array): Simulation["traffic"] {
  const { devices, publishPerMinute, fanOut, keepAliveSeconds } = options;
  const pingsPerMinute = keepAliveSeconds === 0 ? 0 : 60 / keepAliveSeconds;
  const perMs = (devices * (publishPerMinute * (1 + fanOut) + pingsPerMinute)) / 60_000;
  const windowMs = Math.ceil(Math.min(WINDOW_MS, EVENTS / perMs));
  const map = SlotMap.even(shards.session);
  const result = simulateTraffic({
    ...options,
    sessionShards: shards.session,
    topicShards: shards.topic,
    windowMs,
    shardOf: (device) => map.shardOf(slots[device] ?? 0),
    subscribers: (random) => {
      const count = Math.floor(fanOut) + (random() < fanOut % 1 ? 1 : 0);
      return Array.from({ length: count }, () => map.shardOf(Math.floor(random() * SLOTS)));
    },
  });
  return { ...result, seconds: windowMs / 1_000 };
}

/** Where the devices are, by client ids. */
function slotsOf(devices: number): Uint16Array {
  return Uint16Array.from({ length: devices }, (_, i) => slotOfClientId(`device-${i}`));
}

/** The largest value and where it is. */
function most(values: Uint32Array): [index: number, value: number] {
  let index = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[index] ?? 0)) index = i;
  return [index, values[index] ?? 0];
}
