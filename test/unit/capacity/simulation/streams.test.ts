import { describe, expect, it } from "vitest";
import { AwakeObjects } from "../../../../scripts/capacity/simulation/awake-objects.ts";
import { BucketQueue } from "../../../../scripts/capacity/simulation/bucket-queue.ts";
import type { Step } from "../../../../scripts/capacity/simulation/messages.ts";
import { Streams } from "../../../../scripts/capacity/simulation/streams.ts";

const END_MS = 200_000;

interface Batch {
  at: number;
  receiver: number;
  /** How long its answer takes. */
  answerMs?: number;
}

/** One object's batches: which opened their streams, and for how long the object was awake. */
function send(batches: Batch[]): { opened: Omit<Batch, "answerMs">[]; awakeMs: number } {
  const queue = new BucketQueue(batches.length, 1, END_MS);
  const steps: Step[] = [];
  const later = (at: number, step: Step) => {
    queue.add(steps.push(step) - 1, at);
  };
  const objects = new AwakeObjects(1, 0, 10_000);
  const streams = new Streams(100, objects, later);
  const opened: Omit<Batch, "answerMs">[] = [];
  for (const { at, receiver, answerMs = 30 } of batches) {
    later(at, (now) => {
      if (streams.send(0, receiver, now, now + answerMs)) opened.push({ at, receiver });
    });
  }
  for (let thing = queue.take(); thing !== null; thing = queue.take()) steps[thing]?.(queue.nowMs);
  return { opened, awakeMs: objects.awakeShare(END_MS) * END_MS };
}

describe("streams of an object", () => {
  it("are closed at the second look if a batch comes alone", () => {
    const batches = [0, 199, 1_000, 1_201].map((at) => ({ at, receiver: 0 }));
    const { opened, awakeMs } = send(batches);
    expect(opened.map(({ at }) => at)).toEqual([0, 1_000, 1_201]);
    // What came at 199 was answered at 229: too late for the look at 300.
    expect(awakeMs).toBeCloseTo(400 + 200 + 200, 6);
  });

  it("stay open while another is in use, and are closed together", () => {
    const used = Array.from({ length: 100 }, (_, i) => ({ at: 50 * i, receiver: 0 }));
    const seldom = [
      { at: 10, receiver: 1 },
      { at: 4_000, receiver: 1 },
      { at: 5_300, receiver: 1 },
    ];
    const { opened, awakeMs } = send([...used, ...seldom, { at: 5_310, receiver: 0 }]);
    expect(opened).toEqual([
      { at: 0, receiver: 0 },
      { at: 10, receiver: 1 },
      { at: 5_300, receiver: 1 },
      { at: 5_310, receiver: 0 },
    ]);
    expect(awakeMs).toBeCloseTo(5_100 + 200, 6);
  });

  it("are closed one by one after a minute, however busy the others are", () => {
    const used = Array.from({ length: 3_900 }, (_, i) => ({ at: 50 * i, receiver: 0 }));
    const seldom = [0, 59_000, 118_000, 179_000].map((at) => ({ at, receiver: 1 }));
    const { opened } = send([...used, ...seldom]);
    expect(opened.toSorted((a, b) => a.at - b.at || a.receiver - b.receiver)).toEqual([
      { at: 0, receiver: 0 },
      { at: 0, receiver: 1 },
      { at: 179_000, receiver: 1 },
    ]);
  });

  it("wait for their answers in silence, each for its own", () => {
    const { opened } = send([
      { at: 0, receiver: 0, answerMs: 900 },
      { at: 0, receiver: 1 },
      { at: 500, receiver: 0 },
      { at: 500, receiver: 1 },
    ]);
    expect(opened.filter(({ at }) => at > 0)).toEqual([{ at: 500, receiver: 1 }]);
  });
});
