import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MatchCache } from "../../../src/broker/topics/match-cache.ts";
import { matches } from "../../../src/broker/topics/topic-match.ts";
import { filter, topic } from "./arbitrary-topics.ts";

describe("match cache", () => {
  it("never gives what a change of a filter has made wrong, and keeps what it has not", () => {
    const step = fc.oneof(fc.record({ name: topic }), fc.record({ wanted: filter }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const cache = new MatchCache<string>(1_000, () => 0);
        const filters = new Set<string>();
        const right = (name: string) => [...filters].filter((each) => matches(each, name)).join(" ");
        const set = new Set<string>();
        for (const each of steps) {
          if ("wanted" in each) {
            if (!filters.delete(each.wanted)) filters.add(each.wanted);
            cache.changed(each.wanted);
            for (const name of set) if (matches(each.wanted, name)) set.delete(name);
          } else {
            const expected = set.has(each.name) ? right(each.name) : undefined;
            expect(cache.get(each.name)).toBe(expected);
            cache.set(each.name, right(each.name));
            set.add(each.name);
          }
        }
      }),
      { seed: 15, numRuns: 1_000 },
    );
  });

  it("keeps a topic over 64 changes that do not match it, and looks up anew behind more", () => {
    const cache = new MatchCache<number>(10, () => 0);
    cache.set("a/b", 1);
    for (let i = 0; i < 64; i++) cache.changed(`other/${i}`);
    expect(cache.get("a/b")).toBe(1);
    for (let i = 0; i < 65; i++) cache.changed(`other/${i}`);
    expect(cache.get("a/b")).toBeUndefined();
  });

  it("remembers only so much: topics and what they matched", () => {
    const cache = new MatchCache<number[]>(5, ({ length }) => length);
    for (const name of ["a", "b", "c"]) cache.set(name, [0]);
    expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([undefined, [0], [0]]);
    cache.set("d", [0, 0, 0]);
    expect([cache.get("b"), cache.get("c"), cache.get("d")]).toEqual([undefined, undefined, [0, 0, 0]]);
  });
});
