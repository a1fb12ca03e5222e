import { describe, expect, it } from "vitest";
import { allInOne, devicesOfLargestShard, missed, shardsReached } from "../../../scripts/capacity/placement.ts";
import { fewestTopicShards, fullnessOf, shardsNeeded, tooFull } from "../../../scripts/capacity/shards.ts";
import { limits } from "../../../src/broker/limits.ts";
import { SlotMap } from "../../../src/broker/topics/slot-map.ts";
import { slotOfClientId } from "../../../src/broker/topics/slots.ts";
import { optionsOf } from "./options-of.ts";

describe("placement", () => {
  it("plans for a slot more and for chance", () => {
    // Of 1,024 slots a shard of 147 has 7 at most: 6,835.9 devices of a million, deviation 82.4.
    expect(devicesOfLargestShard(1_000_000, 147)).toBe(7_166);
    // With 146 it has 8: 7,812.5 and 88.0, which is too many with what chance adds.
    expect(devicesOfLargestShard(1_000_000, 146)).toBe(8_165);
    expect(devicesOfLargestShard(5_000, 1)).toBe(5_000);
  });

  it("holds for client ids as they really hash", () => {
    const devices = 100_000;
    for (const shards of [13, 15, 64]) {
      const links = new Uint32Array(shards);
      const map = SlotMap.even(shards);
      for (let i = 0; i < devices; i++) {
        const shard = map.shardOf(slotOfClientId(`device-${i}`));
        links[shard] = (links[shard] ?? 0) + 1;
      }
      expect(Math.max(...links)).toBeLessThanOrEqual(devicesOfLargestShard(devices, shards));
    }
  });

  it("says how many shards the subscribers of a message are in", () => {
    expect(shardsReached(1, 4)).toBe(1);
    expect(shardsReached(2, 4)).toBe(1.75); // In the same shard one time in four.
    expect(shardsReached(1_000, 4)).toBeCloseTo(4, 9);
    expect(missed(2, 4)).toBe(0.5625);
    expect(allInOne(1, 4)).toBe(0.25);
    expect(allInOne(2, 4)).toBe(0.0625);
    expect(allInOne(0, 4)).toBe(0);
  });
});

describe("shards that are needed", () => {
  it("are as many as keep the links of the largest within the bound", () => {
    const options = optionsOf("--devices 1000000 --publish-per-minute 0");
    expect(shardsNeeded(options)).toEqual({ session: 147, topic: 147 });
    expect(shardsNeeded(optionsOf("--devices 8000 --publish-per-minute 0"))).toEqual({ session: 1, topic: 1 });
    expect(shardsNeeded(optionsOf("--devices 8001 --publish-per-minute 0"))).toEqual({ session: 2, topic: 2 });
    expect(fullnessOf(options, { session: 146, topic: 146 }).links).toBeGreaterThan(limits.connectionsPerShard);
  });

  it("hold the most devices that can be asked for", () => {
    expect(shardsNeeded(optionsOf("--devices 7500000 --publish-per-minute 0")).session).toBeLessThanOrEqual(1_024);
  });

  it("are more where the work asks for it", () => {
    const options = optionsOf("--devices 8000 --publish-per-minute 60 --qos 1");
    const shards = shardsNeeded(options);
    const fullness = fullnessOf(options, shards);
    expect(shards.session).toBeGreaterThan(1);
    expect(fullness.sessionCore).toBeLessThanOrEqual(options.utilisation);
    const fewer = fullnessOf(options, { session: shards.session - 1, topic: shards.topic - 1 });
    expect(tooFull(fewer, options.utilisation)).not.toBeNull();
  });

  it("say what does not fit if there are no more", () => {
    expect(() => shardsNeeded(optionsOf("--publish-per-minute 60000"))).toThrow(
      /^1024 shards of each kind, the most there are, do not carry that: a session shard has too much work$/,
    );
  });

  it("are what was asked for, and then said to be too full", () => {
    const options = optionsOf("--devices 100000 --session-shards 4 --topic-shards 2");
    const shards = shardsNeeded(options);
    expect(shards).toEqual({ session: 4, topic: 2 });
    expect(tooFull(fullnessOf(options, shards), options.utilisation)).toBe("a session shard has too many links");
  });

  it("of topics can be far fewer than of sessions", () => {
    const options = optionsOf("--devices 1000000");
    const shards = shardsNeeded(options);
    const topic = fewestTopicShards(options, shards);
    expect(topic).toBeLessThan(shards.topic / 10);
    expect(tooFull(fullnessOf(options, { ...shards, topic }), options.utilisation)).toBeNull();
    expect(tooFull(fullnessOf(options, { ...shards, topic: topic - 1 }), options.utilisation)).not.toBeNull();
  });
});
