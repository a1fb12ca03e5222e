import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FilterTrie } from "../../../src/broker/topics/filter-trie.ts";
import { matches } from "../../../src/broker/topics/topic-match.ts";
import { filter, topic } from "./arbitrary-topics.ts";
import { SortedMemory } from "./sorted-memory.ts";

describe("filter trie", () => {
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

  it("asks the store at most once for a prefix that no filter has", () => {
    const store = new SortedMemory();
    for (let i = 0; i < 100; i++) store.add(`elsewhere/${i}/+`);
    const trie = new FilterTrie(store, 1_000);
    expect(trie.match(0, "a/b/c/d")).toEqual([]);
    expect(store.seeks).toBe(3);
  });

  it("asks the store nothing about filters that came while their place was remembered", () => {
    const store = new SortedMemory();
    const trie = new FilterTrie(store, 1_000);
    for (const each of ["a/b", "a/b/+", "a/b/#", "a/c"]) store.add(each);
    expect(trie.match(0, "a/b").sort()).toEqual(["a/b", "a/b/#"]);
    const { seeks } = store;
    store.add("+");
    trie.added(0, "+");
    store.add("a/c/d");
    trie.added(0, "a/c/d");
    expect(trie.match(0, "a/b").sort()).toEqual(["a/b", "a/b/#"]);
    expect(store.seeks).toBe(seeks);
  });

  it("keeps partitions apart", () => {
    const kept = new Map([
      [1, new SortedMemory()],
      [2, new SortedMemory()],
    ]);
    kept.get(1)?.add("a/+");
    kept.get(2)?.add("a/b");
    const trie = new FilterTrie({ firstFrom: (slot, from) => kept.get(slot)?.firstFrom(slot, from) ?? null }, 100);
    expect(trie.match(1, "a/b")).toEqual(["a/+"]);
    expect(trie.match(2, "a/b")).toEqual(["a/b"]);
    expect(trie.match(3, "a/b")).toEqual([]);
  });

  it("[MQTT-4.7.1-2] walks 128 levels of wildcards and finds the parent of a number sign", () => {
    const store = new SortedMemory();
    const deep = Array.from({ length: 127 }, () => "+").join("/");
    store.add(`${deep}/+`);
    store.add(`${deep}/#`);
    const name = Array.from({ length: 127 }, () => "a").join("/");
    const trie = new FilterTrie(store, 10);
    expect(trie.match(0, name)).toEqual([`${deep}/#`]);
    expect(trie.match(0, `${name}/`).sort()).toEqual([`${deep}/#`, `${deep}/+`]);
  });
});
