import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlotMap } from "../../../src/broker/topics/slot-map.ts";
import { EVERYWHERE, SLOTS, slotOfClientId, slotOfFilter, slotOfTopic } from "../../../src/broker/topics/slots.ts";
import { matches } from "../../../src/broker/topics/topic-match.ts";
import { filter, topic } from "./arbitrary-topics.ts";

describe("slots", () => {
  it("gives a filter the slot of every topic that it matches, or everywhere", () => {
    fc.assert(
      fc.property(filter, topic, (wanted, name) => {
        if (!matches(wanted, name)) return;
        const slot = slotOfFilter(wanted);
        expect(slot === EVERYWHERE || slot === slotOfTopic(name)).toBe(true);
      }),
      { seed: 13, numRuns: 5_000 },
    );
  });

  it.each(["#", "+/a", "a/#", "a/+", "a/+/b"])("puts %j everywhere", (wanted) => {
    expect(slotOfFilter(wanted)).toBe(EVERYWHERE);
  });

  it("spreads slots evenly over shards", () => {
    expect(Array.from(SlotMap.even(3).sizes.values())).toEqual([342, 341, 341]);
    const used = new Set(Array.from({ length: 20_000 }, (_, i) => slotOfTopic(`devices/${i}/state`)));
    expect(used.size).toBe(SLOTS);
  });

  it("gives the slots that every release must give", () => {
    const topics = ["a", "a/b", "a/b/c", "/", "devices/1/state", "é/\u{1F600}"];
    expect(topics.map(slotOfTopic)).toEqual([199, 166, 166, 664, 949, 515]);
    expect(["", "a", "device-1", "\u{1F600}"].map(slotOfClientId)).toEqual([257, 199, 950, 119]);
  });

  it("puts each slot into one of the shards, in runs", () => {
    for (const shards of [1, 2, 4, 7, 64, SLOTS]) {
      const map = SlotMap.even(shards);
      let last = 0;
      for (let slot = 0; slot < SLOTS; slot++) {
        const shard = map.shardOf(slot);
        expect(shard === last || shard === last + 1).toBe(true);
        last = shard;
      }
      expect(last).toBe(shards - 1);
    }
  });
});
