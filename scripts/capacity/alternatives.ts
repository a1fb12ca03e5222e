// The same month if one thing were otherwise: what the bill depends on most. Pure.

import { limits } from "../../src/broker/limits.ts";
import { monthOf } from "./model.ts";
import type { CapacityOptions } from "./options.ts";
import type { Shards } from "./shards.ts";
import { fewestTopicShards } from "./shards.ts";
import { plural } from "./text-table.ts";

export interface Alternative {
  title: string;
  /** Dollars a month. */
  total: number;
}

const LONG_IDLE_MS = 1_000;
/** What changes less of the bill, by how long streams stay open, is not worth a line. */
const WORTH = 0.05;
const LATE_SHARE = 0.01;
/** How many times the fewest topic shards are looked at, too. */
const MORE = 4;

export function alternativesOf(options: CapacityOptions, shards: Shards): Alternative[] {
  const alternatives: Alternative[] = [];
  const add = (title: string, changed: Partial<CapacityOptions>, changedShards: Partial<Shards> = {}) => {
    const { bill } = monthOf({ ...options, ...changed }, { ...shards, ...changedShards });
    alternatives.push({ title, total: bill.total });
  };
  if (options.publishPerMinute === 0) return alternatives;
  const fewest = fewestTopicShards(options, shards);
  for (const topic of [fewest, fewest * MORE]) {
    const why = topic === fewest ? "as few as carry it" : `${MORE} times as many`;
    if (topic < shards.topic) add(`${plural(topic, "topic shard")}, ${why}`, {}, { topic });
  }
  if (options.streamIdleMs < LONG_IDLE_MS) {
    const as = { streamIdleMs: LONG_IDLE_MS };
    const ratio = monthOf({ ...options, ...as }, shards).bill.total / monthOf(options, shards).bill.total;
    const title = `streams close after ${LONG_IDLE_MS / 1_000} s of silence, not ${options.streamIdleMs} ms`;
    if (Math.abs(ratio - 1) > WORTH) add(title, as);
  }
  if (options.qos === 1 && options.lateShare < LATE_SHARE) {
    const late = `${100 * LATE_SHARE} % of the deliveries acknowledged after more than ${limits.ackDeadlineMs} ms`;
    add(late, { lateShare: LATE_SHARE, persistentShare: Math.min(options.persistentShare, 1 - LATE_SHARE) });
  }
  if (options.qos > 0) add("QoS 0", { qos: 0, lateShare: 0 });
  add("silent devices", { publishPerMinute: 0 });
  return alternatives;
}
