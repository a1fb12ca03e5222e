// Two objects with a stream each way, as a session shard and a topic shard have: what the one sends comes back from the
// other, and answers travel along where they can. Over wires that lose batches, answers and whole sockets.

import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readHeader, visitEntries } from "../../../src/contracts/envelope-reader.ts";
import type { DeliverReply } from "../../../src/contracts/rpc.ts";
import { StreamReceiver } from "../../../src/platform/stream-receiver.ts";
import { StreamSender } from "../../../src/platform/stream-sender.ts";

type Fault = "none" | "lost" | "answer lost" | "late";
type OnReply = (reply: DeliverReply | null) => void;

const bounds = { batchBytes: 400, batchEntries: 5, callsOutstanding: 4 };
const CALL_TIMEOUT_MS = 15_000;
const PACKET = new Uint8Array(8);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A sender, its socket to the other object, and what that object's receiver is told. */
class End {
  readonly applied: number[] = [];
  readonly answered: number[] = [];
  readonly sender: StreamSender<number>;
  readonly receiver = new StreamReceiver(1);
  explicitReplies = 0;
  #calls = new Map<number, OnReply>();
  #wire: Promise<unknown> = Promise.resolve();
  readonly #faults: Fault[];

  constructor(faults: Fault[], deliver: (envelope: Uint8Array) => Promise<DeliverReply | null>) {
    this.#faults = faults;
    this.sender = new StreamSender<number>({
      sender: 0,
      incarnation: 1,
      bounds,
      call: (envelope, onReply) => this.#call(envelope, onReply, deliver),
      backOffMs: () => 10,
      onAnswered: (tokens) => this.answered.push(...tokens),
      onTrouble: () => undefined,
      onRecovered: () => undefined,
      onReset: () => expect.unreachable(),
      onReplaced: () => expect.unreachable(),
    });
  }

  send(number: number): void {
    this.sender.writer.publish(number, 0, 0, PACKET);
    this.sender.written(number);
  }

  /** The other object has said so in a batch of its own. */
  done(sequence: number): boolean {
    let news = false;
    for (const [each, onReply] of this.#calls) {
      if (each > sequence) continue;
      news = true;
      this.#calls.delete(each);
      onReply({ status: "done", incarnation: 1 });
    }
    return news;
  }

  #call(envelope: Uint8Array, onReply: OnReply, deliver: (envelope: Uint8Array) => Promise<DeliverReply | null>): void {
    const { sequence } = readHeader(envelope);
    this.#calls.set(sequence, onReply);
    setTimeout(() => {
      if (this.#calls.get(sequence) === onReply) this.#break();
    }, CALL_TIMEOUT_MS);
    const fault = this.#faults.shift() ?? "none";
    this.#wire = this.#wire.then(async () => {
      if (this.#calls.get(sequence) !== onReply) return; // Its socket broke before it was read.
      if (fault === "late") await new Promise((resolve) => setTimeout(resolve, 50));
      if (fault === "lost") this.#break();
      else void this.#delivered(sequence, onReply, deliver(envelope), fault === "answer lost");
    });
  }

  async #delivered(
    sequence: number,
    onReply: OnReply,
    answer: Promise<DeliverReply | null>,
    lost: boolean,
  ): Promise<void> {
    const reply = await answer;
    if (reply === null || this.#calls.get(sequence) !== onReply) return;
    this.explicitReplies += 1;
    if (lost) {
      this.#break();
      return;
    }
    this.#calls.delete(sequence);
    onReply(reply);
  }

  #break(): void {
    const calls = this.#calls;
    this.#calls = new Map();
    for (const onReply of calls.values()) onReply(null);
  }
}

/** `safeAfterMs`: how long what came back to the first object is not safe there. */
function pair(faults: { there: Fault[]; back: Fault[] }, safeAfterMs: (number: number) => number) {
  const session: End = new End(faults.there, (envelope) =>
    topic.receiver.receive(
      envelope,
      ({ answered }) => {
        if (answered > 0) topic.done(answered);
        visitEntries(envelope, {
          publish: (number) => {
            topic.applied.push(number);
            topic.send(number);
          },
        });
        return undefined;
      },
      ({ incarnation, sequence }) => topic.sender.answer(incarnation, sequence),
    ),
  );
  const topic: End = new End(faults.back, (envelope) => {
    let echoes = false;
    return session.receiver.receive(
      envelope,
      ({ answered }) => {
        echoes = answered > 0 && session.done(answered);
        let wait = 0;
        visitEntries(envelope, {
          publish: (number) => {
            session.applied.push(number);
            wait = Math.max(wait, safeAfterMs(number));
          },
        });
        return wait === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, wait));
      },
      ({ incarnation, sequence }) => echoes && session.sender.answerSoon(incarnation, sequence),
    );
  });
  return { session, topic };
}

it("answers everything once, in order, whatever is lost on the way", async () => {
  const fault = fc.constantFrom<Fault>("none", "none", "none", "lost", "answer lost", "late");
  const faults = fc.array(fault, { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(
      faults,
      faults,
      fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 40 })), { maxLength: 50 }),
      async (there, back, steps) => {
        const { session, topic } = pair({ there: [...there], back: [...back] }, (n) => steps[n - 1]?.[1] ?? 0);
        for (const [i, [pause]] of steps.entries()) {
          session.send(i + 1);
          await vi.advanceTimersByTimeAsync(pause);
        }
        await vi.advanceTimersByTimeAsync(600_000);
        const all = steps.map((_, i) => i + 1);
        expect(topic.applied).toEqual(all);
        expect(session.applied).toEqual(all);
        expect([session.sender.idle, topic.sender.idle]).toEqual([true, true]);
        for (const end of [session, topic]) expect(end.answered.toSorted((a, b) => a - b)).toEqual(all);
      },
    ),
    { seed: 11, numRuns: 1_000 },
  );
});

it("needs no answer of its own for messages that follow one another", async () => {
  const { session, topic } = pair({ there: [], back: [] }, () => 1);
  for (let number = 1; number <= 100; number++) {
    session.send(number);
    await vi.advanceTimersByTimeAsync(2);
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(session.answered).toHaveLength(100);
  expect(topic.answered).toHaveLength(100);
  expect(session.explicitReplies).toBeLessThan(5);
  expect(topic.explicitReplies).toBeLessThan(20); // Some wait for longer than an answer may.
});
