// How many shards a load needs, and how full they are: links and work of the largest session shard, work of the topic
// shards. Pure.

import { limits } from "../../src/broker/limits.ts";
import { SLOTS } from "../../src/broker/topics/slots.ts";
import { platform } from "./measured.ts";
import { messageCpu, messageWork } from "./message-work.ts";
import type { CapacityOptions } from "./options.ts";
import { devicesOfLargestShard, slotsOfLargestShard } from "./placement.ts";

export interface Shards {
  session: number;
  topic: number;
}

/** How full the fullest shards are while all devices are connected. */
export interface Fullness {
  /** Links of the largest session shard. */
  links: number;
  /** Share of a core, of the largest session shard and of a topic shard. */
  sessionCore: number;
  topicCore: number;
  /** Streams that are opened at it, a second. */
  sessionOpenings: number;
  topicOpenings: number;
}

/** The fewest shards of each kind that carry it, or what the options say. Throws an error of one line if none do. */
export function shardsNeeded(options: CapacityOptions): Shards {
  const { sessionShards, topicShards } = options;
  if (sessionShards !== null) return { session: sessionShards, topic: topicShards ?? sessionShards };
  let reason: string | null = null;
  for (let session = 1; session <= SLOTS; session++) {
    const shards = { session, topic: topicShards ?? session };
    reason = tooFull(fullnessOf(options, shards), options.utilisation, topicShards === null);
    if (reason === null) return shards;
  }
  throw new Error(`${SLOTS} shards of each kind, the most there are, do not carry that: ${reason}`);
}

/** The fewest topic shards that carry what so many session shards send. */
export function fewestTopicShards(options: CapacityOptions, { session, topic: most }: Shards): number {
  for (let topic = 1; topic < most; topic++) {
    if (tooFull(fullnessOf(options, { session, topic }), options.utilisation, true) === null) return topic;
  }
  return most;
}

export function fullnessOf(options: CapacityOptions, shards: Shards): Fullness {
  const { devices, publishPerMinute } = options;
  const publishesPerSecond = (devices * publishPerMinute) / 60;
  const load = { ...options, publishesPerSecond, sessionShards: shards.session, topicShards: shards.topic };
  const each = messageWork(load);
  const cpu = messageCpu(each);
  const sessionRate = (publishesPerSecond * slotsOfLargestShard(shards.session)) / SLOTS;
  const topicRate = (publishesPerSecond * slotsOfLargestShard(shards.topic)) / SLOTS;
  return {
    links: devicesOfLargestShard(devices, shards.session),
    sessionCore: (sessionRate * cpu.session) / 1e6,
    topicCore: (topicRate * cpu.topic) / 1e6,
    sessionOpenings: sessionRate * each.sessionStreams,
    topicOpenings: topicRate * each.topicStreams,
  };
}

/** What is too full, in words; null: nothing. `topics`: topic shards count too. */
export function tooFull(fullness: Fullness, utilisation: number, topics = true): string | null {
  const openingsMax = platform.objectRequestsPerSecond * utilisation;
  if (fullness.links > limits.connectionsPerShard) return "a session shard has too many links";
  if (fullness.sessionCore > utilisation) return "a session shard has too much work";
  if (fullness.sessionOpenings > openingsMax) return "too many streams are opened at a session shard";
  if (!topics) return null;
  if (fullness.topicCore > utilisation) return "a topic shard has too much work";
  return fullness.topicOpenings > openingsMax ? "too many streams are opened at a topic shard" : null;
}
