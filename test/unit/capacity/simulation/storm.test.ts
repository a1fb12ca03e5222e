import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StormPlan, StormResult } from "../../../../scripts/capacity/simulation/storm.ts";
import { simulateStorm } from "../../../../scripts/capacity/simulation/storm.ts";

const SHARDS = 4;

/** So many devices, spread evenly, all lost at once. */
function planOf(devices: number, changes: Partial<StormPlan> = {}): StormPlan {
  return {
    shardOf: Uint16Array.from({ length: devices }, (_, i) => i % SHARDS),
    linksOf: new Uint32Array(SHARDS),
    rampMs: null,
    backOffMs: 1_000,
    backOffMsMax: 60_000,
    attachesPerSecond: 500,
    messagesShare: 0,
    linksAll: devices / SHARDS,
    linksMax: 8_000,
    lookupShare: 0,
    lookupsPerSecond: 1_000,
    queueMs: 10_000,
    hibernatesAfterMs: 10_000,
    seed: 1,
    endMs: 3_600_000,
    ...changes,
  };
}

function refusals({ refused }: StormResult): number {
  return refused.lookup + refused.overloaded + refused.full;
}

describe("a storm of connects", () => {
  it("is the same with the same seed, and another with another", () => {
    const plan = planOf(5_000, { lookupShare: 0.5 });
    expect(simulateStorm(plan)).toEqual(simulateStorm(plan));
    expect(simulateStorm({ ...plan, seed: 2 })).not.toEqual(simulateStorm(plan));
  });

  it("loses and makes no device, whenever one looks", () => {
    const plans = fc.record({
      seed: fc.nat(),
      endMs: fc.integer({ min: 10, max: 30_000 }),
      lookupShare: fc.constantFrom(0, 0.3, 1),
      linksMax: fc.constantFrom(300, 8_000),
      queueMs: fc.constantFrom(100, 10_000),
    });
    fc.assert(
      fc.property(plans, (changes) => {
        const result = simulateStorm(planOf(2_000, changes));
        expect(result.connected + result.waiting + result.queued).toBe(2_000);
        expect(result.attempts).toBe(result.connected + result.queued + refusals(result));
        expect(result.secondsAll === null).toBe(result.connected < 2_000);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it("lasts as long as the shards take, one after the other", () => {
    // 4,000 devices of a shard within a second: 500 are attached in it, the last after 8 s, and none waits for 10.
    const result = simulateStorm(planOf(4 * 4_000));
    expect(result.connected).toBe(16_000);
    expect(refusals(result)).toBe(0);
    expect(result.secondsAll).toBeGreaterThan(7.9);
    expect(result.secondsAll).toBeLessThan(8.2);
    expect(result.seconds99).toBeLessThan(result.secondsAll ?? 0);
    expect(result.shardConnectsPerSecond).toBeLessThanOrEqual(501);
    expect(result.connectsPerSecond).toBeGreaterThan(1_950);
    expect(result.longestQueueMs).toBeLessThan(10_000);
    expect(result.wakeUps).toBe(SHARDS);
  });

  it("refuses what would wait too long, and takes it later", () => {
    const result = simulateStorm(planOf(4 * 4_000, { queueMs: 1_000 }));
    expect(result.refused.overloaded).toBeGreaterThan(0);
    expect(result.refused).toMatchObject({ lookup: 0, full: 0 });
    expect(result.longestQueueMs).toBeLessThanOrEqual(1_000);
    expect(result.connected).toBe(16_000);
  });

  it("is held up by the one object that is asked for users", () => {
    const asked = simulateStorm(planOf(20_000, { lookupShare: 1 }));
    expect(asked.connected).toBe(20_000);
    expect(asked.connectsPerSecond).toBeLessThanOrEqual(1_001);
    expect(asked.secondsAll).toBeGreaterThan(19.5);
    expect(simulateStorm(planOf(20_000)).secondsAll).toBeLessThan(asked.secondsAll ?? 0);
  });

  it("never ends for devices that find no room", () => {
    const result = simulateStorm(planOf(4_000, { linksMax: 900 }));
    expect(result.connected).toBe(3_600);
    expect(result.secondsAll).toBeNull();
    expect(result.refused.full).toBeGreaterThan(0);
    expect(result.waiting).toBe(400);
  });

  it("counts the links that a shard has already", () => {
    const linksOf = Uint32Array.of(7_500, 0, 0, 0);
    const result = simulateStorm(planOf(4_000, { linksOf }));
    expect(result.connected).toBe(3_500);
    expect(result.waiting).toBe(500);
  });

  it("is slower where messages take a part of the shards", () => {
    const alone = simulateStorm(planOf(8_000)).secondsAll ?? 0;
    const beside = simulateStorm(planOf(8_000, { messagesShare: 0.5 })).secondsAll ?? 0;
    expect(beside).toBeGreaterThan(1.2 * alone);
    expect(beside).toBeLessThan(2 * alone);
  });

  it("is none if the devices come one by one", () => {
    const result = simulateStorm(planOf(600, { rampMs: 600_000 }));
    expect(result.longestQueueMs).toBeLessThanOrEqual(10);
    expect(result.secondsAll).toBeLessThan(601);
    expect(result.connectsPerSecond).toBeLessThan(10);
    expect(result.wakeUps).toBeGreaterThan(SHARDS); // Between two of them a shard sleeps.
  });
});
