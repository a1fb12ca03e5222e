import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retainedTopics } from "../../../src/broker/topics/retained-lookup.ts";
import { compareKeys } from "../../../src/broker/compare-keys.ts";
import { matches } from "../../../src/broker/topics/topic-match.ts";
import { filter, topic } from "./arbitrary-topics.ts";
import { SortedMemory } from "./sorted-memory.ts";

function found(store: SortedMemory, wanted: string, after = ""): string[] {
  return [...retainedTopics(store, 0, wanted, after)].filter((met) => met.matches).map(({ topic: name }) => name);
}

describe("retained look-up", () => {
  it("finds topics each once and in order, as the plain way does, from any of them on", () => {
    fc.assert(
      fc.property(fc.uniqueArray(topic, { maxLength: 40 }), filter, (topics, wanted) => {
        const store = new SortedMemory();
        for (const each of topics) store.add(each);
        const expected = topics.filter((each) => matches(wanted, each)).sort(compareKeys);
        expect(found(store, wanted)).toEqual(expected);
        for (const [i, each] of expected.entries()) expect(found(store, wanted, each)).toEqual(expected.slice(i + 1));
      }),
      { seed: 12, numRuns: 5_000 },
    );
  });

  it("finds retained topics without reading what does not match", () => {
    const store = new SortedMemory();
    for (let i = 0; i < 1_000; i++) store.add(`other/${i}/x`);
    store.add("mine/1/x");
    store.add("mine/2/x");
    expect(found(store, "mine/+/x")).toEqual(["mine/1/x", "mine/2/x"]);
    expect(store.seeks).toBeLessThan(20);
  });

  it("gives each topic once though those given are removed at once", () => {
    fc.assert(
      fc.property(fc.uniqueArray(topic, { maxLength: 40 }), filter, (topics, wanted) => {
        const store = new SortedMemory();
        for (const each of topics) store.add(each);
        const given: string[] = [];
        for (const met of retainedTopics(store, 0, wanted, "")) {
          if (!met.matches) continue;
          given.push(met.topic);
          store.delete(met.topic);
        }
        expect(given.sort()).toEqual(topics.filter((each) => matches(wanted, each)).sort());
      }),
      { seed: 14, numRuns: 1_000 },
    );
  });

  it("seeks a child at a time for a single-level wildcard, over what lies below them", () => {
    const store = new SortedMemory();
    for (let device = 0; device < 10; device++) {
      for (let i = 0; i < 100; i++) store.add(`d/${device}/history/${i}`);
      store.add(`d/${device}/state`);
    }
    expect(found(store, "d/+/state")).toHaveLength(10);
    expect(store.seeks).toBe(10 * 2 + 1);
  });

  it("orders keys as their UTF-8 bytes are ordered", () => {
    fc.assert(
      fc.property(topic, topic, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
      { seed: 18, numRuns: 2_000 },
    );
  });

  it("[MQTT-4.7.2-1] jumps over all topics with $ for a leading wildcard", () => {
    const store = new SortedMemory();
    for (let i = 0; i < 100; i++) store.add(`$SYS/${i}`);
    store.add("a");
    expect(found(store, "#")).toEqual(["a"]);
    expect(store.seeks).toBe(3);
    expect(found(store, "$SYS/+")).toHaveLength(100);
  });
});
