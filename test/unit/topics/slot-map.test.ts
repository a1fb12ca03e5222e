import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlotMap } from "../../../src/broker/topics/slot-map.ts";
import { nextMove, slotsToMove } from "../../../src/broker/topics/slot-moves.ts";
import { SLOTS } from "../../../src/broker/topics/slots.ts";

const counts = fc.integer({ min: 1, max: 70 });

/** Moves until none is left. Returns the map and how many slots have moved. */
function reshaped(map: SlotMap, shards: number, slotsMax: number): { map: SlotMap; moved: number } {
  let moved = 0;
  for (let now = map; ;) {
    const move = nextMove(now, shards, slotsMax);
    if (move === null) return { map: now, moved };
    expect(move.slots.length).toBeGreaterThan(0);
    expect(move.slots.length).toBeLessThanOrEqual(slotsMax);
    expect(move.slots.every((slot) => now.shardOf(slot) === move.from)).toBe(true);
    moved += move.slots.length;
    now = now.moved(move.slots, move.to);
  }
}

function sizes(map: SlotMap): number[] {
  const { shards, sizes: all } = map;
  return shards.map((shard) => all.get(shard) ?? 0);
}

function shardsOf(map: SlotMap): number[] {
  return Array.from({ length: SLOTS }, (_, slot) => map.shardOf(slot));
}

describe("a map of slots", () => {
  it("begins even", () => {
    fc.assert(
      fc.property(counts, (shards) => {
        const map = SlotMap.even(shards);
        expect(map.shards).toEqual(Array.from({ length: shards }, (_, i) => i));
        expect(Math.max(...sizes(map)) - Math.min(...sizes(map))).toBeLessThanOrEqual(1);
      }),
      { seed: 7, numRuns: 30 },
    );
  });

  it("is the same when it was written as runs", () => {
    fc.assert(
      fc.property(counts, fc.array(fc.nat(SLOTS - 1)), fc.nat(1_000), (shards, slots, to) => {
        const map = SlotMap.even(shards).moved(slots, to);
        const read = SlotMap.of(map.runs);
        expect(shardsOf(read)).toEqual(shardsOf(map));
      }),
      { seed: 7, numRuns: 30 },
    );
  });

  it("is written in few bytes where neighbours are together", () => {
    expect(SlotMap.even(4).runs).toEqual([
      [0, 256],
      [1, 256],
      [2, 256],
      [3, 256],
    ]);
  });

  it("refuses runs that are not all slots", () => {
    expect(() => SlotMap.of([[0, SLOTS - 1]])).toThrow(RangeError);
  });
});

describe("moves", () => {
  it("end with even shards, and go on from any map", () => {
    fc.assert(
      fc.property(counts, counts, counts, fc.integer({ min: 1, max: 200 }), (before, between, after, slotsMax) => {
        const half = reshaped(SlotMap.even(before), between, slotsMax).map;
        const { map } = reshaped(half, after, slotsMax);
        expect(map.shards).toEqual(Array.from({ length: after }, (_, i) => i));
        expect(Math.max(...sizes(map)) - Math.min(...sizes(map))).toBeLessThanOrEqual(1);
      }),
      { seed: 7, numRuns: 40 },
    );
  });

  it("are as few as can be, and counted before", () => {
    fc.assert(
      fc.property(counts, counts, (before, after) => {
        const map = SlotMap.even(before);
        const { moved } = reshaped(map, after, 32);
        expect(slotsToMove(map, after)).toBe(moved);
        // Whoever stays keeps what it may keep.
        const most = Math.ceil(SLOTS / after);
        const kept = sizes(map).reduce((sum, size, shard) => sum + (shard < after ? Math.min(size, most) : 0), 0);
        expect(moved).toBeLessThanOrEqual(SLOTS - kept + after);
      }),
      { seed: 7, numRuns: 40 },
    );
  });

  it("from one to two move half", () => {
    expect(slotsToMove(SlotMap.even(1), 2)).toBe(SLOTS / 2);
    expect(slotsToMove(SlotMap.even(2), 2)).toBe(0);
  });
});
