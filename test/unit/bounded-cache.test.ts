import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoundedCache } from "../../src/broker/bounded-cache.ts";

describe("bounded cache", () => {
  it("forgets the least recently used entry", () => {
    const cache = new BoundedCache<string, number>(2);
    cache.set("a", 1);
    cache.set("b", 2);
    expect(cache.get("a")).toBe(1);
    cache.set("c", 3);
    expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([1, undefined, 3]);
    expect(cache.size).toBe(2);
  });

  it("forgets by weight, and remembers nothing that alone weighs more than the bound", () => {
    const cache = new BoundedCache<string, number[]>(5, ({ length }) => length);
    cache.set("a", [1, 1]);
    cache.set("b", [1, 1, 1]);
    cache.set("c", [1]);
    expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([undefined, [1, 1, 1], [1]]);
    cache.set("b", [1, 1, 1, 1, 1, 1]);
    expect([cache.get("b"), cache.get("c")]).toEqual([undefined, [1]]);
    cache.set("d", [1, 1, 1, 1]);
    expect([cache.get("c"), cache.get("d")]).toEqual([[1], [1, 1, 1, 1]]);
  });

  it("never holds more than its bound, and only what was set last", () => {
    const step = fc.tuple(fc.constantFrom("get", "set", "delete"), fc.nat(12), fc.nat());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, max) => {
        const cache = new BoundedCache<number, number>(max);
        const last = new Map<number, number>();
        for (const [what, key, value] of steps) {
          if (what === "set") {
            cache.set(key, value);
            last.set(key, value);
            expect(cache.get(key)).toBe(value);
          } else if (what === "delete") {
            cache.delete(key);
            expect(cache.get(key)).toBeUndefined();
          } else {
            const found = cache.get(key);
            if (found !== undefined) expect(found).toBe(last.get(key));
          }
          expect(cache.size).toBeLessThanOrEqual(max);
        }
        cache.clear();
        expect(cache.size).toBe(0);
      }),
      { seed: 22 },
    );
  });
});
