// Which member of a group gets a message, by strategy.

import { describe, expect, it } from "vitest";
import type { SharedStrategy } from "../../../src/broker/topics/shared-group.ts";
import { SharedGroup } from "../../../src/broker/topics/shared-group.ts";

const members = [{ uid: 10 }, { uid: 20 }, { uid: 30 }];

interface Choice {
  topic?: string;
  publisher?: number;
  of?: readonly { uid: number }[];
}

/** A group whose random numbers come in turn, and the uids that it picks. */
function group(strategy: SharedStrategy, randoms: readonly number[] = [0], loads: Record<number, number> = {}) {
  let drawn = 0;
  const choice = new SharedGroup<{ uid: number }>(
    ({ uid }) => loads[uid] ?? 0,
    () => randoms[drawn++ % randoms.length] ?? 0,
  );
  return ({ topic = "t", publisher = 0, of = members }: Choice = {}) =>
    choice.pick(strategy, of, { topic, publisher })?.uid ?? null;
}

it.each<SharedStrategy>(["round_robin", "random", "sticky", "hash_clientid", "hash_topic", "least_inflight"])(
  "%s picks nobody of none, and the only one of one",
  (strategy) => {
    const pick = group(strategy);
    expect(pick({ of: [] })).toBeNull();
    expect(pick({ of: [{ uid: 7 }], publisher: 12_345 })).toBe(7);
  },
);

describe("round_robin", () => {
  it("goes round, from anywhere", () => {
    const pick = group("round_robin", [0.4]);
    expect(Array.from({ length: 6 }, () => pick())).toEqual([30, 10, 20, 30, 10, 20]);
  });

  it("goes on while members come and go", () => {
    const pick = group("round_robin", [0]);
    expect([pick(), pick(), pick({ of: members.slice(0, 2) }), pick()]).toEqual([20, 30, 20, 30]);
  });
});

it("random picks by the random number", () => {
  const pick = group("random", [0.99, 0, 0.5]);
  expect([pick(), pick(), pick()]).toEqual([30, 10, 20]);
});

it("sticky stays with one until it is gone", () => {
  const pick = group("sticky", [0.5, 0.99]);
  expect([pick(), pick(), pick()]).toEqual([20, 20, 20]);
  const without = members.filter(({ uid }) => uid !== 20);
  expect([pick({ of: without }), pick()]).toEqual([30, 30]);
});

it("hash_clientid gives a publisher's messages to one, and several publishers' to all", () => {
  const pick = group("hash_clientid");
  const picked = Array.from({ length: 100 }, (_, publisher) => pick({ publisher }));
  expect(Array.from({ length: 100 }, (_, publisher) => pick({ publisher, topic: "other" }))).toEqual(picked);
  expect(new Set(picked)).toEqual(new Set([10, 20, 30]));
});

it("hash_topic gives a topic's messages to one, and several topics' to all", () => {
  const pick = group("hash_topic");
  const picked = Array.from({ length: 100 }, (_, i) => pick({ topic: `t/${i}` }));
  expect(Array.from({ length: 100 }, (_, i) => pick({ topic: `t/${i}`, publisher: i }))).toEqual(picked);
  expect(new Set(picked)).toEqual(new Set([10, 20, 30]));
});

it("least_inflight picks who has the least at hand, in turn among equals", () => {
  const loads: Record<number, number> = { 10: 5, 20: 1, 30: 1 };
  const pick = group("least_inflight", [0], loads);
  expect(new Set([pick(), pick()])).toEqual(new Set([20, 30]));
  loads[20] = 9;
  loads[30] = 8;
  expect([pick(), pick()]).toEqual([10, 10]);
});
