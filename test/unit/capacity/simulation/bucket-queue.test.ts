import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BucketQueue } from "../../../../scripts/capacity/simulation/bucket-queue.ts";

describe("a bucket queue", () => {
  it("gives each thing at its tick, in the order of time, and none beyond the end", () => {
    const times = fc.array(fc.double({ min: 0, max: 1_200, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(times, fc.constantFrom(1, 10), (all, tickMs) => {
        const queue = new BucketQueue(1, tickMs, 1_000); // It grows.
        for (const [thing, at] of all.entries()) queue.add(thing, at);
        const taken: [number, number][] = [];
        for (let thing = queue.take(); thing !== null; thing = queue.take()) taken.push([thing, queue.nowMs]);
        const ticks = all.map((at, thing) => [thing, Math.ceil(at / tickMs) * tickMs] as const);
        const expected = ticks.filter(([, at]) => at < 1_000);
        expect(taken.map(([, at]) => at)).toEqual(expected.map(([, at]) => at).sort((a, b) => a - b));
        expect(taken.toSorted(([a], [b]) => a - b)).toEqual(expected);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  it("gives at once what is over already", () => {
    const queue = new BucketQueue(2, 1, 100);
    queue.add(0, 50);
    expect(queue.take()).toBe(0);
    queue.add(1, 10);
    expect(queue.take()).toBe(1);
    expect(queue.nowMs).toBe(50);
    expect(queue.take()).toBeNull();
  });
});
