// The two ends of a stream between shards over a faulty wire: calls fail before or after they were applied, come late,
// come twice, and the receiver loses its memory.

import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { EnvelopeHeader } from "../../../src/contracts/envelope.ts";
import type { DeliverReply } from "../../../src/contracts/rpc.ts";
import { readHeader, visitEntries } from "../../../src/contracts/envelope-reader.ts";
import { StreamReceiver } from "../../../src/platform/stream-receiver.ts";
import { StreamSender } from "../../../src/platform/stream-sender.ts";

type Fault = "none" | "lost" | "answer lost" | "answer late" | "late" | "twice" | "reset" | "silent reset";

const bounds = { batchBytes: 400, batchEntries: 5, callsOutstanding: 4 };
const PACKET = new Uint8Array(8);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function network(faults: Fault[]) {
  let receiver = new StreamReceiver(1);
  let resets = 0;
  const applied: number[] = [];
  /** By each life of the receiver. */
  const lives: number[][] = [[]];
  /** What the receiver has and what waits for an outcome, which it tells later or never. */
  const unsettled = new Set<number>();
  const answered: number[] = [];
  const troubles: number[][] = [];
  const receive = async (envelope: Uint8Array): Promise<DeliverReply> => {
    const reply = await receiver.receive(envelope, () => {
      visitEntries(envelope, {
        publish: (number) => {
          applied.push(number);
          lives.at(-1)?.push(number);
        },
      });
      return undefined;
    });
    return reply ?? expect.unreachable();
  };
  const reset = () => {
    resets += 1;
    receiver = new StreamReceiver(1 + resets);
    lives.push([]);
  };
  const pass = async (envelope: Uint8Array): Promise<DeliverReply> => {
    switch (faults.shift() ?? "none") {
      case "lost":
        throw new Error("lost");
      case "answer lost":
        await receive(envelope);
        throw new Error("answer lost");
      case "late":
        await new Promise((resolve) => {
          setTimeout(resolve, 50);
        });
        return receive(envelope);
      case "twice":
        await receive(envelope);
        return receive(envelope);
      case "reset":
        reset();
        throw new Error("reset");
      case "silent reset":
        reset();
        return receive(envelope);
      default:
        return receive(envelope);
    }
  };
  // As a socket: one behind the other, and when it breaks, all that is on its way is lost.
  let last: Promise<unknown> = Promise.resolve();
  let broken = 0;
  const call = (envelope: Uint8Array, onReply: (reply: DeliverReply | null) => void) => {
    const socket = broken;
    let overtaken = false;
    const reply = last.then(() => {
      if (socket !== broken) throw new Error("the socket broke");
      overtaken = faults[0] === "answer late";
      return pass(envelope).catch((error: unknown) => {
        broken += 1;
        throw error;
      });
    });
    last = reply.catch(() => undefined);
    const answer = async (outcome: DeliverReply | null) => {
      // Others overtake it; a socket that breaks meanwhile has told of it.
      if (overtaken) await new Promise((resolve) => setTimeout(resolve, 50));
      onReply(socket === broken ? outcome : null);
    };
    reply.then(answer, () => answer(null));
  };
  const sender = new StreamSender<number>({
    sender: 0,
    incarnation: 1,
    bounds,
    call,
    backOffMs: () => 10,
    onAnswered: (tokens) => {
      answered.push(...tokens);
      for (const token of tokens) unsettled.add(token);
    },
    onTrouble: (tokens) => troubles.push(tokens),
    onRecovered: () => undefined,
    onReset: (repeat) => {
      for (const number of [...unsettled].sort((a, b) => a - b))
        repeat((writer) => writer.publish(number, 0, 0, PACKET), number);
    },
    onReplaced: () => expect.unreachable(),
  });
  const send = (number: number) => {
    sender.writer.publish(number, 0, 0, PACKET);
    sender.written(number, number % 2 === 0);
  };
  return { sender, send, applied, lives, unsettled, answered, troubles, resets: () => resets };
}

it("applies every entry in order, each once unless the receiver was reset, over any faults", async () => {
  const fault = fc.constantFrom<Fault>(
    "none",
    "none",
    "lost",
    "answer lost",
    "answer late",
    "late",
    "twice",
    "reset",
    "silent reset",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 60 }),
      async (faults, pauses) => {
        const { send, applied, lives, unsettled, answered, sender, resets } = network([...faults]);
        for (const [i, pause] of pauses.entries()) {
          send(i + 1);
          await vi.advanceTimersByTimeAsync(pause);
          if (pause % 5 === 0) for (const number of lives.at(-1) ?? []) unsettled.delete(number);
        }
        await vi.advanceTimersByTimeAsync(60_000);
        const all = pauses.map((_, i) => i + 1);
        expect(sender.idle).toBe(true);
        expect([...new Set(answered)].sort((a, b) => a - b)).toEqual(all);
        expect([...new Set(applied)]).toEqual(all);
        // What has no outcome is with the receiver that lives, in order, none before an older one.
        for (const life of lives) expect(life).toEqual(life.toSorted((a, b) => a - b));
        expect(lives.at(-1)).toEqual(expect.arrayContaining([...unsettled]));
        if (resets() === 0) expect(applied).toEqual(all);
      },
    ),
    { seed: 7, numRuns: 1_000 },
  );
});

it("tells of all that is unanswered when a call fails, once, and again after it recovered", async () => {
  const { send, troubles, applied } = network(["lost", "lost", "none", "lost"]);
  send(1);
  send(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(troubles).toEqual([[1, 2]]);
  send(3);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(troubles).toEqual([[1, 2], [3]]);
  expect(applied).toEqual([1, 2, 3]);
});

it("keeps at most the bounded number of calls outstanding and tells the receiver with the last", async () => {
  const flags: boolean[] = [];
  let outstanding = 0;
  const sender = new StreamSender<number>({
    sender: 0,
    incarnation: 1,
    bounds,
    call: (envelope) => {
      outstanding += 1;
      flags.push((envelope[1] ?? 0) === 1);
    },
    backOffMs: () => 10,
    onAnswered: () => undefined,
    onTrouble: () => undefined,
    onRecovered: () => undefined,
    onReset: () => undefined,
    onReplaced: () => undefined,
  });
  for (let i = 1; i <= 100; i++) {
    sender.writer.publish(i, 0, 0, PACKET);
    sender.written(i);
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(outstanding).toBe(4);
  expect(flags).toEqual([false, false, false, true]);
});

it("gathers what the receiver writes for longer under load, whatever it answers meanwhile, and what follows a small batch for nothing", async () => {
  const batches: number[][] = [];
  const replies: (() => void)[] = [];
  const sender = new StreamSender<number>({
    sender: 0,
    incarnation: 1,
    bounds,
    call: (envelope, onReply) => {
      const numbers: number[] = [];
      visitEntries(envelope, { publish: (number) => numbers.push(number) });
      batches.push(numbers);
      replies.push(() => onReply({ status: "done", incarnation: 1 }));
    },
    backOffMs: () => 10,
    onAnswered: () => undefined,
    onTrouble: () => undefined,
    onRecovered: () => undefined,
    onReset: () => undefined,
    onReplaced: () => undefined,
  });
  const send = async (...numbers: number[]) => {
    for (const number of numbers) {
      sender.writer.publish(number, 0, 0, PACKET);
      sender.written(number, true);
    }
    await vi.advanceTimersByTimeAsync(0);
  };
  await send(1);
  expect(batches).toEqual([[1]]);
  replies[0]?.();
  await send(2, 3, 4, 5);
  expect(batches).toEqual([[1], [2, 3, 4, 5]]);
  await send(6);
  replies[1]?.();
  await send(7);
  await vi.advanceTimersByTimeAsync(3);
  expect(batches).toHaveLength(2);
  await send(8);
  await vi.advanceTimersByTimeAsync(1);
  expect(batches.slice(2)).toEqual([[6, 7, 8]]);
  await send(9, 10, 11, 12, 13); // As much as a batch may hold.
  replies[2]?.();
  await vi.advanceTimersByTimeAsync(4);
  await send(14);
  await vi.advanceTimersByTimeAsync(4);
  expect(batches.slice(3)).toEqual([[9, 10, 11, 12, 13], [14]]);
  for (const reply of replies) reply();
  await send(15);
  expect(batches.slice(5)).toEqual([[15]]);
  for (const reply of replies) reply();
  expect(sender.idle).toBe(true);
});

it("takes an answer to the receiver along with what it sends anyway, if that is the one who asked", async () => {
  const answered: number[] = [];
  const sender = new StreamSender<number>({
    sender: 0,
    incarnation: 1,
    bounds,
    call: (envelope, onReply) => {
      answered.push(readHeader(envelope).answered);
      queueMicrotask(() => onReply({ status: "done", incarnation: 5 }));
    },
    backOffMs: () => 10,
    onAnswered: () => undefined,
    onTrouble: () => undefined,
    onRecovered: () => undefined,
    onReset: () => undefined,
    onReplaced: () => undefined,
  });
  const send = () => {
    sender.writer.publish(1, 0, 0, PACKET);
    sender.written(1);
  };
  send();
  expect(sender.answer(5, 7)).toBe(false); // It is not known yet who the receiver is.
  await vi.advanceTimersByTimeAsync(10);
  expect(sender.answer(5, 7)).toBe(false); // Nothing is to be sent.
  send();
  expect(sender.answer(4, 7)).toBe(false);
  expect(sender.answer(5, 8)).toBe(true);
  await vi.advanceTimersByTimeAsync(10);
  expect(answered).toEqual([0, 8]);
});

it("keeps one answer back for what is sent next, for a moment, and none from a receiver that sends more", async () => {
  const answered: number[] = [];
  const sender = new StreamSender<number>({
    sender: 0,
    incarnation: 1,
    bounds,
    call: (envelope, onReply) => {
      answered.push(readHeader(envelope).answered);
      queueMicrotask(() => onReply({ status: "done", incarnation: 5 }));
    },
    backOffMs: () => 10,
    onAnswered: () => undefined,
    onTrouble: () => undefined,
    onRecovered: () => undefined,
    onReset: () => undefined,
    onReplaced: () => undefined,
  });
  const send = async () => {
    sender.writer.publish(1, 0, 0, PACKET);
    sender.written(1);
    await vi.advanceTimersByTimeAsync(0);
  };
  expect(sender.answerSoon(5, 1)).toBe(false); // It is not known yet who the receiver is.
  await send();
  const travels = sender.answerSoon(5, 2);
  await send();
  expect(await travels).toBe(true);
  const late = sender.answerSoon(5, 3);
  await vi.advanceTimersByTimeAsync(100);
  expect(await late).toBe(false);
  const [one, another] = [sender.answerSoon(5, 4), sender.answerSoon(5, 5)];
  expect(await one).toBe(false);
  expect(another).toBe(false);
  expect(answered).toEqual([0, 2]);
});

it("tells that a batch travels only when all before it are done", async () => {
  const receiver = new StreamReceiver(1);
  const { sender } = network([]);
  sender.writer.publish(1, 0, 0, PACKET);
  const batch = (sequence: number) =>
    sender.writer.seal({ sender: 0, incarnation: 1, sequence, base: 1, receiver: 0, answered: 0, writeAtOnce: false });
  const safe = Promise.withResolvers<void>();
  const asked: number[] = [];
  const travels = ({ sequence }: { sequence: number }) => {
    asked.push(sequence);
    return true;
  };
  const first = receiver.receive(batch(1), () => safe.promise, travels);
  expect(await receiver.receive(batch(2), () => undefined, travels)).toEqual({ status: "done", incarnation: 1 });
  expect(asked).toEqual([]);
  safe.resolve();
  expect(await first).toBeNull();
  expect(await receiver.receive(batch(3), () => undefined, travels)).toBeNull();
  expect(asked).toEqual([1, 3]);
});

it("counts no answer of a receiver that has been replaced for what was sent again to its successor", async () => {
  const sent: { header: EnvelopeHeader; numbers: number[]; onReply: (reply: DeliverReply | null) => void }[] = [];
  const received = new Set<number>();
  const sender = new StreamSender<number>({
    sender: 0,
    incarnation: 1,
    bounds,
    call: (envelope, onReply) => {
      const numbers: number[] = [];
      visitEntries(envelope, { publish: (number) => numbers.push(number) });
      sent.push({ header: readHeader(envelope), numbers, onReply });
    },
    backOffMs: () => 10,
    onAnswered: (tokens) => {
      for (const token of tokens) received.add(token);
    },
    onTrouble: () => undefined,
    onRecovered: () => undefined,
    onReset: (repeat) => {
      for (const number of received) repeat((writer) => writer.publish(number, 0, 0, PACKET), number);
    },
    onReplaced: () => undefined,
  });
  const send = async (number: number) => {
    sender.writer.publish(number, 0, 0, PACKET);
    sender.written(number);
    await vi.advanceTimersByTimeAsync(0);
  };
  await send(1);
  sent[0]?.onReply({ status: "done", incarnation: 1 });
  await send(2);
  sent[1]?.onReply({ status: "reset", incarnation: 2 });
  expect(sent.slice(2).map(({ numbers }) => numbers)).toEqual([[1], [2]]);
  // What the first life of the receiver said on another way arrives only now; then the socket to the second one breaks.
  sent[2]?.onReply({ status: "done", incarnation: 1 });
  sent[3]?.onReply(null);
  await vi.advanceTimersByTimeAsync(1_000);
  const again = sent[4];
  expect(again?.numbers).toEqual([1]);
  expect(again?.header.base).toBe(again?.header.sequence);
});

it("sends again though its user could not bear the trouble", async () => {
  const replies: ((reply: DeliverReply | null) => void)[] = [];
  const answered: number[] = [];
  const sender = new StreamSender<number>({
    sender: 0,
    incarnation: 1,
    bounds,
    call: (_envelope, onReply) => replies.push(onReply),
    backOffMs: () => 10,
    onAnswered: (tokens) => answered.push(...tokens),
    onTrouble: () => {
      throw new Error("no room");
    },
    onRecovered: () => undefined,
    onReset: () => undefined,
    onReplaced: () => undefined,
  });
  sender.writer.publish(1, 0, 0, PACKET);
  sender.written(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(() => replies[0]?.(null)).toThrow("no room");
  await vi.advanceTimersByTimeAsync(1_000);
  replies[1]?.({ status: "done", incarnation: 1 });
  expect(answered).toEqual([1]);
  expect(sender.troubled).toBe(false);
});

it("refuses the calls of a replaced sender", async () => {
  const receiver = new StreamReceiver(1);
  const { sender: old } = network([]);
  old.writer.publish(1, 0, 0, PACKET);
  const batch = (incarnation: number) =>
    old.writer.seal({ sender: 0, incarnation, sequence: 1, base: 1, receiver: 0, answered: 0, writeAtOnce: false });
  const apply = () => undefined;
  expect(await receiver.receive(batch(2), apply)).toEqual({ status: "done", incarnation: 1 });
  expect(await receiver.receive(batch(1), apply)).toEqual({ status: "stale", incarnation: 1 });
});

it("answers a repeated batch only when the first is safe", async () => {
  const receiver = new StreamReceiver(1);
  const { sender } = network([]);
  sender.writer.publish(1, 0, 0, PACKET);
  const batch = sender.writer.seal({
    sender: 0,
    incarnation: 1,
    sequence: 1,
    base: 1,
    receiver: 0,
    answered: 0,
    writeAtOnce: false,
  });
  const safe = Promise.withResolvers<void>();
  let applied = 0;
  const apply = () => {
    applied += 1;
    return safe.promise;
  };
  const order: string[] = [];
  const first = receiver.receive(batch, apply).then(() => order.push("first"));
  const second = receiver.receive(batch, apply).then(() => order.push("second"));
  await vi.advanceTimersByTimeAsync(10);
  expect(order).toEqual([]);
  safe.resolve();
  await Promise.all([first, second]);
  expect(applied).toBe(1);
  expect(order).toHaveLength(2);
});
