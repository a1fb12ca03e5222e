import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../src/broker/access/token-bucket.ts";
import { FilterTrie } from "../../../src/broker/topics/filter-trie.ts";
import { retainedTopics } from "../../../src/broker/topics/retained-lookup.ts";
import { EVERYWHERE, shardOfSlot, SLOTS, slotOfFilter, slotOfTopic } from "../../../src/broker/topics/slots.ts";
import { parseTopicFilter } from "../../../src/broker/topics/topic-filter.ts";
import { matches } from "../../../src/broker/topics/topic-match.ts";
import { parseTopicName } from "../../../src/broker/topics/topic-name.ts";
import { SortedMemory } from "./sorted-memory.ts";

const level = fc.constantFrom("a", "b", "", "a!", "$x", "é", "\u{1F600}", "\uFFFD", " ", "0", "a0");
const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "");
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, many]) => [...levels, ...(many ? ["#"] : [])].join("/"))
  .filter((text) => text !== "");

describe("topic names and filters", () => {
  it.each(["a", "/", "a/b/c", "/a", "a//b", "$SYS/x", "é", " "])("[MQTT-4.7.3-1] takes the name %j", (name) => {
    expect(parseTopicName(name)).toBe(name);
  });

  it.each(["", "a/+", "#", "a\0b", "x".repeat(4_097), "/".repeat(128)])(
    "[MQTT-4.7.1-1] refuses the name %j",
    (name) => {
      expect(parseTopicName(name)).toBeNull();
    },
  );

  it.each(["#", "+", "a/#", "+/+/#", "a/+/b", "/", "/+", "$SYS/#"])("takes the filter %j", (text) => {
    expect(parseTopicFilter(text)).toEqual({ filter: text, group: null });
  });

  it.each([
    "",
    "a#",
    "#/a",
    "a/#/b",
    "a+",
    "+a/b",
    "a\0",
    "$share",
    "$share/",
    "$share/g",
    "$share/g/",
    "$share//a",
    "$share/+/a",
    "$share/g/a#",
  ])("[MQTT-4.7.1-2] [MQTT-4.8.2-2] refuses the filter %j", (text) => {
    expect(parseTopicFilter(text)).toBeNull();
  });

  it("[MQTT-4.8.2-1] takes a shared filter apart", () => {
    expect(parseTopicFilter("$share/group/a/+/#")).toEqual({ filter: "a/+/#", group: "group" });
  });
});

describe("matching", () => {
  it.each([
    ["sport/tennis/#", "sport/tennis", true],
    ["sport/tennis/#", "sport/tennis/player/ranking", true],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["+", "/finance", false],
    ["#", "$SYS/x", false],
    ["+/monitor", "$SYS/monitor", false],
    ["$SYS/#", "$SYS/x", true],
    ["$SYS/monitor/+", "$SYS/monitor/Clients", true],
  ])("[MQTT-4.7.2-1] %j and %j: %j", (wanted, given, expected) => {
    expect(matches(wanted, given)).toBe(expected);
  });

  it("the trie finds just what the plain way finds, over any adding and removing", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(filter, fc.boolean()), { maxLength: 40 }),
        fc.array(topic, { minLength: 1, maxLength: 10 }),
        (changes, topics) => {
          const store = new SortedMemory();
          const stored = new Set<string>();
          const trie = new FilterTrie(store, 20);
          for (const [each, wanted] of changes) {
            for (const name of topics.slice(0, 2)) trie.match(0, name);
            if (wanted) {
              store.add(each);
              stored.add(each);
              trie.added(0, each);
            } else {
              store.delete(each);
              stored.delete(each);
              trie.removed(0, each);
            }
          }
          for (const name of topics) {
            const expected = [...stored].filter((each) => matches(each, name));
            expect(trie.match(0, name).sort()).toEqual(expected.sort());
          }
        },
      ),
      { seed: 11, numRuns: 1_000 },
    );
  });

  it("asks the store nothing for a topic that came before", () => {
    const store = new SortedMemory();
    for (const each of ["a/b", "a/+", "#", "c/#"]) store.add(each);
    const trie = new FilterTrie(store, 1_000);
    const first = trie.match(0, "a/b");
    const { seeks } = store;
    expect(trie.match(0, "a/b")).toEqual(first);
    expect(store.seeks).toBe(seeks);
  });

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
});

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
    const counts = [0, 0, 0];
    for (let slot = 0; slot < SLOTS; slot++) counts[shardOfSlot(slot, 3)] = (counts[shardOfSlot(slot, 3)] ?? 0) + 1;
    expect(counts).toEqual([342, 341, 341]);
    const used = new Set(Array.from({ length: 20_000 }, (_, i) => slotOfTopic(`devices/${i}/state`)));
    expect(used.size).toBe(SLOTS);
  });
});

describe("token bucket", () => {
  it("gives its burst, then its rate, and never more", () => {
    const bucket = new TokenBucket({ tokensPerSecond: 10, burst: 5 }, 0);
    const taken = (now: number) => {
      let count = 0;
      while (bucket.take(1, now)) count += 1;
      return count;
    };
    expect(taken(0)).toBe(5);
    expect(taken(100)).toBe(1);
    expect(taken(1_000)).toBe(5);
    expect(taken(500)).toBe(0); // The clock went back.
  });
});
