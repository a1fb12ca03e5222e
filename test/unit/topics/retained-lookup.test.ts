import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retainedTopics } from "../../../src/broker/topics/retained-lookup.ts";
import { matches } from "../../../src/broker/topics/topic-match.ts";
import { filter, topic } from "./arbitrary-topics.ts";
import { SortedMemory } from "./sorted-memory.ts";

describe("retained look-up", () => {
  it("retained topics are found each once, as the plain way finds them", () => {
    fc.assert(
      fc.property(fc.uniqueArray(topic, { maxLength: 40 }), filter, (topics, wanted) => {
        const store = new SortedMemory();
        for (const each of topics) store.add(each);
        const found = [...retainedTopics(store, 0, wanted)];
        expect(found.sort()).toEqual(topics.filter((each) => matches(wanted, each)).sort());
      }),
      { seed: 12, numRuns: 2_000 },
    );
  });

  it("finds retained topics without reading what does not match", () => {
    const store = new SortedMemory();
    for (let i = 0; i < 1_000; i++) store.add(`other/${i}/x`);
    store.add("mine/1/x");
    store.add("mine/2/x");
    expect([...retainedTopics(store, 0, "mine/+/x")].sort()).toEqual(["mine/1/x", "mine/2/x"]);
    expect(store.seeks).toBeLessThan(20);
  });

  it("gives each topic once though those given are removed at once", () => {
    fc.assert(
      fc.property(fc.uniqueArray(topic, { maxLength: 40 }), filter, (topics, wanted) => {
        const store = new SortedMemory();
        for (const each of topics) store.add(each);
        const found: string[] = [];
        for (const each of retainedTopics(store, 0, wanted)) {
          found.push(each);
          store.delete(each);
        }
        expect(found.sort()).toEqual(topics.filter((each) => matches(wanted, each)).sort());
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
    expect([...retainedTopics(store, 0, "d/+/state")]).toHaveLength(10);
    expect(store.seeks).toBe(10 * 2 + 1);
  });

  it("[MQTT-4.7.2-1] jumps over all topics with $ for a leading wildcard", () => {
    const store = new SortedMemory();
    for (let i = 0; i < 100; i++) store.add(`$SYS/${i}`);
    store.add("a");
    expect([...retainedTopics(store, 0, "#")]).toEqual(["a"]);
    expect(store.seeks).toBe(3);
    expect([...retainedTopics(store, 0, "$SYS/+")]).toHaveLength(100);
  });
});
