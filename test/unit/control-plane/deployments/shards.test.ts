// What may be asked of a deployment's shards, and with how many a new one begins.

import { describe, expect, it } from "vitest";
import {
  growthOf,
  refuseShardsBeyondPlan,
  shardsInputSchema,
  shardsOfNew,
  shardsView,
} from "../../../../src/control-plane/deployments/shards.ts";
import { plans } from "../../../../src/control-plane/plans.ts";

const { free, local } = plans;
const ONE = { session: 1, topic: 1 };

describe("the input", () => {
  it.each(["automatic", { session: 4, topic: 2 }, { session: 1 }, { topic: 1_024 }])("takes %j", (input) => {
    expect(shardsInputSchema.parse(input)).toEqual(input);
  });

  it.each([
    ["auto", 'must be "automatic"'],
    [null, 'must be "automatic"'],
    [3, 'must be "automatic"'],
    [[1, 1], 'must be "automatic"'],
    [{ session: "4" }, 'must be "automatic"'],
    [{ session: 2, sessions: 4 }, "sessions"],
    [{}, "nothing to change"],
    [{ session: 0 }, ">=1"],
    [{ session: -1, topic: 1 }, ">=1"],
    [{ topic: 1_025 }, "<=1024"],
    [{ topic: 1.5 }, "whole numbers"],
  ])("refuses %j and says why", (input, why) => {
    const { success, error } = shardsInputSchema.safeParse(input);
    expect([success, error?.issues.map(({ message }) => message).join("; ")]).toEqual([
      false,
      expect.stringContaining(why),
    ]);
  });
});

describe("a new deployment", () => {
  it("begins with one of each kind, and grows by itself if its plan lets it", () => {
    expect(shardsOfNew(undefined, local)).toEqual({ shards: ONE, growth: { session: 16, topic: 16 } });
    expect(shardsOfNew(undefined, local, "")).toEqual({ shards: ONE, growth: { session: 16, topic: 16 } });
    expect(shardsOfNew(undefined, free)).toEqual({ shards: ONE });
  });

  it("has the operator's number and does not grow, unless that is asked for", () => {
    const four = { session: 4, topic: 4 };
    expect(shardsOfNew(undefined, local, "4")).toEqual({ shards: four });
    expect(shardsOfNew(undefined, free, "4")).toEqual({ shards: four });
    expect(shardsOfNew("automatic", local, "4")).toEqual({ shards: four, growth: { session: 16, topic: 16 } });
    expect(shardsOfNew({ topic: 2 }, local, "4")).toEqual({ shards: { session: 4, topic: 2 } });
  });

  it("has the numbers that are asked for, and does not grow", () => {
    expect(shardsOfNew({ session: 8, topic: 3 }, local)).toEqual({ shards: { session: 8, topic: 3 } });
    expect(shardsOfNew({ session: 8 }, local)).toEqual({ shards: { session: 8, topic: 1 } });
  });

  it.each(["0", "1025", "1.5", "four", "-1"])("is not made where the operator's number is %j", (variable) => {
    expect(() => shardsOfNew(undefined, local, variable)).toThrow();
  });
});

describe("the plan", () => {
  it("bounds each kind, and says how many it allows", () => {
    expect(() => refuseShardsBeyondPlan({ session: 2 }, free)).toThrow("The plan allows 1 session shard a deployment.");
    expect(() => refuseShardsBeyondPlan({ session: 1, topic: 2 }, free)).toThrow("The plan allows 1 topic shard");
    const two = { ...local, shardsMax: { session: 2, topic: 2 } };
    expect(() => refuseShardsBeyondPlan({ topic: 3 }, two)).toThrow("The plan allows 2 topic shards a deployment.");
    expect(() => refuseShardsBeyondPlan({ topic: 2 }, two)).not.toThrow();
    expect(() => refuseShardsBeyondPlan(ONE, free)).not.toThrow();
    expect(() => refuseShardsBeyondPlan({ session: 1_024, topic: 1_024 }, local)).not.toThrow();
    expect(() => refuseShardsBeyondPlan(undefined, free)).not.toThrow();
  });

  it("says how far a deployment grows, if it does", () => {
    expect(growthOf(local)).toEqual({ session: 16, topic: 16 });
    expect(() => growthOf(free)).toThrow("do not grow by themselves");
    expect(() => refuseShardsBeyondPlan("automatic", free)).toThrow("do not grow by themselves");
    expect(() => refuseShardsBeyondPlan("automatic", local)).not.toThrow();
  });
});

it("a deployment is shown with its numbers, and whether it grows", () => {
  expect(shardsView({ shards: { session: 2, topic: 3 } })).toEqual({ session: 2, topic: 3, automatic: false });
  expect(shardsView({ shards: ONE, growth: { session: 16, topic: 16 } })).toEqual({ ...ONE, automatic: true });
});
