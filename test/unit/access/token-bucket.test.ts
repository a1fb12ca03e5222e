import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../src/broker/access/token-bucket.ts";

function takeAll(bucket: TokenBucket, now: number): number {
  let count = 0;
  while (bucket.take(1, now)) count += 1;
  return count;
}

describe("token bucket", () => {
  it("gives its burst, then its rate, and nothing for a clock that went back", () => {
    const bucket = new TokenBucket({ tokensPerSecond: 10, burst: 5 }, 0);
    expect(takeAll(bucket, 0)).toBe(5);
    expect(takeAll(bucket, 100)).toBe(1);
    expect(takeAll(bucket, 1_000)).toBe(5);
    expect(takeAll(bucket, 500)).toBe(0);
  });

  it("takes nothing when there is too little", () => {
    const bucket = new TokenBucket({ tokensPerSecond: 1, burst: 10 }, 0);
    expect(bucket.take(11, 0)).toBe(false);
    expect(bucket.take(10, 0)).toBe(true);
    expect(bucket.take(1, 999)).toBe(false);
    expect(bucket.take(1, 1_000)).toBe(true);
  });

  it("gives parts of a token back however often it is asked: the rate does not drift", () => {
    const bucket = new TokenBucket({ tokensPerSecond: 3, burst: 3 }, 0);
    takeAll(bucket, 0);
    let taken = 0;
    for (let now = 1; now <= 100_000; now++) if (bucket.take(1, now)) taken += 1;
    expect(taken).toBeGreaterThanOrEqual(299);
    expect(taken).toBeLessThanOrEqual(300);
  });

  it("never gives more than the burst and what time brought", () => {
    const asks = fc.array(fc.record({ wait: fc.nat(2_000), tokens: fc.integer({ min: 1, max: 20 }) }));
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), (each, rate, burst) => {
        const bucket = new TokenBucket({ tokensPerSecond: rate, burst }, 0);
        let now = 0;
        let taken = 0;
        for (const { wait, tokens } of each) {
          now += wait;
          if (bucket.take(tokens, now)) taken += tokens;
          expect(taken).toBeLessThanOrEqual(burst + (now / 1_000) * rate + 1e-6);
        }
      }),
      { seed: 21 },
    );
  });
});
