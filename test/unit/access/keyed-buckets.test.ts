import { describe, expect, it } from "vitest";
import { KeyedBuckets } from "../../../src/broker/access/keyed-buckets.ts";

describe("keyed buckets", () => {
  it("gives each key its own rate", () => {
    const buckets = new KeyedBuckets({ tokensPerSecond: 1, burst: 2, keysMax: 10 });
    expect([buckets.take("a", 0), buckets.take("a", 0), buckets.take("a", 0)]).toEqual([true, true, false]);
    expect(buckets.take("b", 0)).toBe(true);
    expect(buckets.take("a", 1_000)).toBe(true);
  });

  it("tells a spent key without taking from it", () => {
    const buckets = new KeyedBuckets({ tokensPerSecond: 1, burst: 1, keysMax: 10 });
    expect(buckets.spent("a", 0)).toBe(false);
    buckets.take("a", 0);
    expect(buckets.spent("a", 0)).toBe(false);
    buckets.take("a", 0);
    expect(buckets.spent("a", 999)).toBe(true);
    expect(buckets.spent("a", 1_000)).toBe(false);
    expect(buckets.take("a", 1_000)).toBe(true);
  });

  it("follows only so many keys and forgets the least recently seen", () => {
    const buckets = new KeyedBuckets({ tokensPerSecond: 1, burst: 1, keysMax: 2 });
    buckets.take("a", 0);
    buckets.take("b", 0);
    buckets.take("a", 0);
    buckets.take("c", 0);
    expect(buckets.take("a", 0)).toBe(false);
    expect(buckets.take("b", 0)).toBe(true);
  });
});
