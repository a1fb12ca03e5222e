import { describe, expect, it } from "vitest";
import { sparseRuns } from "../../../../scripts/capacity/measured.ts";
import { monthOf } from "../../../../scripts/capacity/model.ts";
import { shardsNeeded } from "../../../../scripts/capacity/shards.ts";
import { simulate } from "../../../../scripts/capacity/simulation.ts";
import type { TrafficPlan } from "../../../../scripts/capacity/simulation/traffic.ts";
import { simulateTraffic } from "../../../../scripts/capacity/simulation/traffic.ts";
import { optionsOf } from "../options-of.ts";

const plan: TrafficPlan = {
  devices: 1,
  publishPerMinute: 200, // Every 300 ms.
  keepAliveSeconds: 60,
  qos: 1,
  sessionShards: 4,
  topicShards: 1,
  streamIdleMs: 100,
  shardOf: () => 0,
  subscribers: () => [1],
  seed: 1,
  windowMs: 60_000,
};

describe("simulated traffic", () => {
  it.each(sparseRuns)("is what was counted: QoS $qos, subscribers in shards $subscribers, publisher in 0", (run) => {
    const { messages, ...result } = simulateTraffic({ ...plan, qos: run.qos, subscribers: () => run.subscribers });
    expect(messages).toBe(200);
    // What is under way at the end of the window is not counted to its end, at its beginning none is.
    const each = (value: number) => Number((value / messages).toFixed(1));
    expect([each(result.sessionFrames), each(result.topicFrames)]).toEqual(run.frames);
    expect([each(result.sessionAnswers), each(result.topicAnswers)]).toEqual(run.answers);
    expect([each(result.sessionStreams), each(result.topicStreams)]).toEqual(run.streams);
    expect(each(result.rowsWritten)).toBe(run.rowsWritten);
  });

  it("opens no stream for a message every 50 ms, as was counted", () => {
    const result = simulateTraffic({ ...plan, publishPerMinute: 1_200 });
    expect(result.messages).toBe(1_200);
    expect(result.topicStreams + result.sessionStreams).toBe(0);
    expect([result.sessionAwake, result.topicAwake]).toEqual([0.5, 1]); // Two of four session shards have a part in it.
  });

  it("is the same with the same seed", () => {
    const many = { ...plan, devices: 50, subscribers: (random: () => number) => [Math.floor(4 * random())] };
    expect(simulateTraffic(many)).toEqual(simulateTraffic(many));
    expect(simulateTraffic({ ...many, seed: 2 })).not.toEqual(simulateTraffic(many));
  });

  it("keeps pings from all objects", () => {
    const result = simulateTraffic({ ...plan, devices: 500, publishPerMinute: 0, windowMs: 120_000 });
    expect(result.pings).toBe(1_000);
    expect(result).toMatchObject({ messages: 0, sessionFrames: 0, topicFrames: 0, sessionAwake: 0, topicAwake: 0 });
    expect(result.wakeUps).toBe(0);
  });

  it("wakes what has slept for 10 s", () => {
    const result = simulateTraffic({ ...plan, publishPerMinute: 2, windowMs: 600_000 });
    expect(result.messages).toBe(20);
    expect(result.wakeUps).toBe(3 * 20); // The publisher's shard, the topic shard and the subscriber's.
    expect(result.topicAwake).toBeCloseTo(20 * 0.0002 * (1_000 / 600), 2);
  });

  it.each([
    "--devices 100000",
    "--devices 100000 --publish-per-minute 0.1",
    "--devices 30000 --publish-per-minute 0.2 --qos 0",
    "--devices 100000 --publish-per-minute 0.1 --fan-out 2.5 --qos 2",
    "--devices 50000 --publish-per-minute 0.1 --topic-shards 2",
    "--devices 8000 --publish-per-minute 1 --session-shards 2 --topic-shards 1000 --keep-alive 0",
  ])("says what the model says: %s", (line) => {
    const options = optionsOf(`${line} --ramp-seconds 1`);
    const shards = shardsNeeded(options);
    const { each, sessionAwake, topicAwake } = monthOf(options, shards);
    const { traffic } = simulate(options, shards);
    const simulated = (value: number) => value / traffic.messages;
    const ratios = {
      edge: simulated(traffic.edgeFrames) / each.edgeFrames,
      session: simulated(traffic.sessionFrames) / (each.linkFrames + each.deliveryFrames + each.outcomeFrames),
      topic: simulated(traffic.topicFrames) / each.topicFrames,
      answers: simulated(traffic.sessionAnswers + traffic.topicAnswers) / (each.sessionAnswers + each.topicAnswers),
      sessionAwake: traffic.sessionAwake / sessionAwake,
      topicAwake: traffic.topicAwake / topicAwake,
    };
    for (const [name, ratio] of Object.entries(ratios)) {
      expect(ratio, name).toBeGreaterThan(0.9);
      expect(ratio, name).toBeLessThan(1.1);
    }
    // Of streams there may be none.
    for (const name of ["topicStreams", "sessionStreams"] as const) {
      expect(Math.abs(simulated(traffic[name]) - each[name]), name).toBeLessThan(0.005 + 0.1 * each[name]);
    }
  });
});

describe("storms of a deployment", () => {
  it("bring every device back, and move the devices of a shard and of a slot", () => {
    const options = optionsOf("--devices 30000 --ramp-seconds 60");
    const shards = shardsNeeded(options);
    const { storms } = simulate(options, shards);
    expect(storms.map(({ secondsAll }) => secondsAll === null)).toEqual([false, false, false, false, false]);
    const [ramp, few, own, shard, slot] = storms.map(({ devices }) => devices);
    expect([ramp, few, own]).toEqual([30_000, 30_000, 30_000]);
    expect(shard).toBeGreaterThan(30_000 / shards.session);
    expect(slot).toBeLessThan(60); // 29 on average.
  });
});
