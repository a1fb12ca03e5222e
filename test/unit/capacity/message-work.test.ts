import { describe, expect, it } from "vitest";
import { busyRuns, randomRuns, sparseRuns, work } from "../../../scripts/capacity/measured.ts";
import type { Load } from "../../../scripts/capacity/message-work.ts";
import { at, messageCpu, messageWork } from "../../../scripts/capacity/message-work.ts";

/** So seldom that nothing travels together. */
const sparse: Load = {
  devices: 1_000,
  publishesPerSecond: 1e-6,
  qos: 1,
  fanOut: 1,
  persistentShare: 0,
  lateShare: 0,
  sessionShards: 1,
  topicShards: 1,
  streamIdleMs: 100,
};
/** So many that two subscribers are hardly ever in one of them. */
const MANY = 100_000;

describe("work of a message", () => {
  it.each(sparseRuns)("is what was counted: QoS $qos, subscribers in shards $subscribers, publisher in 0", (run) => {
    const sessionShards = run.subscribers.includes(0) ? 1 : MANY;
    const each = messageWork({ ...sparse, qos: run.qos, fanOut: run.subscribers.length, sessionShards });
    const counted = {
      frames: [each.linkFrames + each.deliveryFrames + each.outcomeFrames, each.topicFrames],
      answers: [each.sessionAnswers, each.topicAnswers],
      streams: [each.sessionStreams, each.topicStreams],
      rowsWritten: each.rowsWritten,
    };
    const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 3) as number);
    expect(counted).toEqual({
      frames: close(run.frames),
      answers: close(run.answers),
      streams: close(run.streams),
      rowsWritten: expect.closeTo(run.rowsWritten, 3) as number,
    });
  });

  it.each(busyRuns)("takes the CPU that was measured: QoS $qos, $title", (run) => {
    const [session, topic] = run.frames;
    // On one shard each batch of the topic shard is one frame; the rest came over links.
    const linkFrames = session - topic;
    const { edge, ...objects } = messageCpu({
      edgeFrames: 2 * linkFrames,
      linkFrames,
      deliveryFrames: topic,
      outcomeFrames: 0,
      topicFrames: topic,
      sessionAnswers: run.answers[0],
      topicAnswers: run.answers[1],
      topicStreams: 0,
      sessionStreams: 0,
      reached: 1,
      rowsWritten: run.rowsWritten,
      rowsRead: 0,
    });
    const microseconds = edge + objects.session + objects.topic;
    expect(microseconds / run.cpuMicroseconds).toBeGreaterThan(0.8);
    expect(microseconds / run.cpuMicroseconds).toBeLessThan(1.25);
  });

  it.each(busyRuns.filter(({ qos, title }) => qos === 1 && title !== "one at a time"))(
    "shares frames as was counted: QoS $qos, $title",
    (run) => {
      const load = { ...sparse, devices: run.links, publishesPerSecond: run.perSecond, qos: run.qos };
      const each = messageWork(load);
      const session = each.linkFrames + each.deliveryFrames + each.outcomeFrames;
      expect(session / run.frames[0]).toBeCloseTo(1, 1);
      expect(each.topicFrames / run.frames[1]).toBeCloseTo(1, 1);
      // Answers that travel along are left out: there are never more than the model says.
      expect(each.topicAnswers).toBeGreaterThanOrEqual(run.answers[1]);
    },
  );

  it.each(randomRuns)("is what was counted at random: QoS $qos, $perSecond a second", (run) => {
    const shards = { sessionShards: 4, topicShards: 4 };
    const load = { ...sparse, ...shards, devices: 128, publishesPerSecond: run.perSecond, qos: run.qos };
    const each = messageWork(load);
    const frames = each.linkFrames + each.deliveryFrames + each.outcomeFrames + each.topicFrames;
    const ratios = {
      frames: frames / sum(run.frames),
      answers: (each.sessionAnswers + each.topicAnswers) / sum(run.answers),
    };
    for (const [name, ratio] of Object.entries(ratios)) {
      expect(ratio, name).toBeGreaterThan(0.8);
      expect(ratio, name).toBeLessThan(1.2);
    }
    // Clients at hand answer sooner than assumed: an object is silent more often then.
    const streams = [each.sessionStreams, each.topicStreams];
    for (const [kind, counted] of run.streams.entries()) {
      expect(streams[kind]).toBeGreaterThan(counted - 0.15);
      expect(streams[kind]).toBeLessThan(counted + 0.05);
    }
  });

  it("writes what is stored and what is acknowledged too late, and nothing else at QoS 1", () => {
    const rows = work.storedRows + work.takenRows;
    expect(messageWork({ ...sparse, fanOut: 3 }).rowsWritten).toBe(0);
    expect(messageWork({ ...sparse, fanOut: 3, persistentShare: 0.5 }).rowsWritten).toBe(1.5 * rows);
    expect(messageWork({ ...sparse, fanOut: 2, lateShare: 0.25 }).rowsWritten).toBe(0.5 * rows);
  });

  it("opens no stream that is open still", () => {
    // 50 a second: a first batch finds another within its 200 ms, and the last of a row, which keeps the stream open for
    // 110 to 210 ms, has none behind it once in 1,250.
    const { topicStreams } = messageWork({ ...sparse, qos: 0, publishesPerSecond: 50 });
    const last = (Math.exp(-5.5) - Math.exp(-10.5)) / 5;
    expect(topicStreams).toBeCloseTo(last, 5);
    expect(1 / last).toBeCloseTo(1_232, 0);
    // One that comes alone is closed behind it.
    expect(messageWork({ ...sparse, publishesPerSecond: 0.1 }).topicStreams).toBeGreaterThan(0.97);
  });

  it("opens a stream that is seldom used once a minute at most, while others keep its object awake", () => {
    // 200 a second from the one session shard, to 200 topic shards: each has one a second.
    const busy = { ...sparse, qos: 0, publishesPerSecond: 200, topicShards: 200 } as const;
    expect(messageWork(busy).topicStreams).toBeLessThan(1e-6);
    // To 2,000 and to 200,000 of them: a gap of more than 60 s comes with the chance exp(-6) and exp(-0.06).
    expect(messageWork({ ...busy, topicShards: 2_000 }).topicStreams).toBeCloseTo(Math.exp(-6), 6);
    const seldom = messageWork({ ...busy, topicShards: 200_000 }).topicStreams;
    expect(seldom).toBeCloseTo(Math.exp(-0.06), 6);
    expect(seldom * (200 / 200_000)).toBeLessThan(1 / 60);
  });

  it("opens streams anew after each silence of their object", () => {
    // An event is followed by silence with a chance that one stream alone shows; before a stream's next batch there are as
    // many chances as it takes until one of the object's batches is its own.
    const one = { ...sparse, qos: 0, publishesPerSecond: 10 } as const;
    const silence = messageWork(one).topicStreams;
    const expected = [0, 1, 2, 3].map((i) => 0.25 * 0.75 ** i * (1 - (1 - silence) ** (i + 1)));
    const rest = 0.75 ** 4;
    const atLeast = expected.reduce((total, each) => total + each, 0) + rest * (1 - (1 - silence) ** 5);
    const streams = messageWork({ ...one, topicShards: 4 }).topicStreams;
    expect(streams).toBeGreaterThan(atLeast);
    expect(streams).toBeLessThan(atLeast + rest * (1 - silence) ** 5);
  });
});

describe("a curve", () => {
  it("is constant outside its points, and even in the logarithm between them", () => {
    const points = [
      [10, 1],
      [1_000, 0.2],
    ] as const;
    expect([0, 10, 100, 1_000, 1e9].map((rate) => Number(at(points, rate).toFixed(9)))).toEqual([1, 1, 0.6, 0.2, 0.2]);
  });
});

function sum([session, topic]: readonly [number, number]): number {
  return session + topic;
}
