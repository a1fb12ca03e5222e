// Where devices and subscribers are: client ids hash to slots, and slots map to shards in runs, so that some shards have a
// slot more than others, and by chance some slots have more devices.

import { SLOTS } from "../../src/broker/topics/slots.ts";

/** So many standard deviations more than the mean are planned for: one shard of 30,000 has more. */
const DEVIATIONS = 4;

/** Devices of the largest of `shards` shards. */
export function devicesOfLargestShard(devices: number, shards: number): number {
  const share = slotsOfLargestShard(shards) / SLOTS;
  const deviation = Math.sqrt(devices * share * (1 - share));
  return Math.min(devices, Math.ceil(devices * share + DEVIATIONS * deviation));
}

export function slotsOfLargestShard(shards: number): number {
  return Math.ceil(SLOTS / shards);
}

/** How many of `shards` shards have at least one of `fanOut` subscribers, on average. */
export function shardsReached(fanOut: number, shards: number): number {
  return shards * (1 - missed(fanOut, shards));
}

/** The chance that a shard has none of them. */
export function missed(fanOut: number, shards: number): number {
  return (1 - 1 / shards) ** fanOut;
}

/** The chance that the publisher's own shard has all of them, and there are any. */
export function allInOne(fanOut: number, shards: number): number {
  return fanOut < 1 ? fanOut / shards : (1 / shards) ** (fanOut - 1) / shards;
}
