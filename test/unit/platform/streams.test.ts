// The two ends of a stream between shards over a faulty wire: calls fail before or after they were applied, come late,
// come twice, and the receiver loses its memory.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EnvelopeHeader } from "../../../src/contracts/envelope.ts";
import type { DeliverReply } from "../../../src/contracts/rpc.ts";
import { readHeader, visitEntries } from "../../../src/contracts/envelope-reader.ts";
import { StreamReceiver } from "../../../src/platform/stream-receiver.ts";
import type { StreamSenderOptions } from "../../../src/platform/stream-sender.ts";
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

/** A sender whose user cares for nothing but what `own` says. */
function senderWith(own: Partial<StreamSenderOptions<number>>) {
  const ignore = () => undefined;
  return new StreamSender<number>({
    sender: 0,
    incarnation: 1,
    bounds,
    call: ignore,
    backOffMs: () => 10,
    onAnswered: ignore,
    onTrouble: ignore,
    onRecovered: ignore,
    onReset: ignore,
    onReplaced: ignore,
    ...own,
  });
}

function numbersIn(envelope: Uint8Array): number[] {
  const numbers: number[] = [];
  visitEntries(envelope, { publish: (number) => numbers.push(number) });
  return numbers;
}

function network(faults: Fault[], callsOutstanding = bounds.callsOutstanding) {
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
  const sender = senderWith({
    bounds: { ...bounds, callsOutstanding },
    call,
    onAnswered: (tokens) => {
      answered.push(...tokens);
      for (const token of tokens) unsettled.add(token);
    },
    onTrouble: (tokens) => troubles.push(tokens),
    onReset: (repeat) => {
      for (const number of [...unsettled].sort((a, b) => a - b))
        repeat((writer) => writer.publish(number, 0, 0, PACKET), number);
    },
    onReplaced: () => expect.unreachable(),
  });
  const send = (number: number, stored = false) => {
    sender.writer.publish(number, 0, 0, PACKET);
    sender.written(number, stored);
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
  /** All, every second or none. */
  const storedEach = fc.constantFrom(1, 2, Infinity);
  const pause = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(200));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { maxLength: 40 }),
      fc.array(fc.record({ count: fc.integer({ min: 0, max: 14 }), storedEach, pause }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 4 }),
      async (faults, bursts, calls) => {
        const { send, applied, lives, unsettled, answered, sender, resets } = network([...faults], calls);
        let sent = 0;
        for (const { count, storedEach: each, pause: ms } of bursts) {
          for (let i = 0; i < count; i++) send(++sent, sent % each === 0);
          await vi.advanceTimersByTimeAsync(ms);
          if (ms % 5 === 0) for (const number of lives.at(-1) ?? []) unsettled.delete(number);
        }
        await vi.advanceTimersByTimeAsync(60_000);
        const all = Array.from({ length: sent }, (_, i) => i + 1);
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
  const sender = senderWith({
    call: (envelope) => {
      outstanding += 1;
      flags.push((envelope[1] ?? 0) === 1);
    },
  });
  for (let i = 1; i <= 100; i++) {
    sender.writer.publish(i, 0, 0, PACKET);
    sender.written(i);
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(outstanding).toBe(4);
  expect(flags).toEqual([false, false, false, true]);
});

describe("what the receiver writes", () => {
  function gathering() {
    const batches: number[][] = [];
    const replies: (() => void)[] = [];
    const sender = senderWith({
      call: (envelope, onReply) => {
        batches.push(numbersIn(envelope));
        replies.push(() => onReply({ status: "done", incarnation: 1 }));
      },
    });
    const send = async (numbers: number[], stored = true) => {
      for (const number of numbers) {
        sender.writer.publish(number, 0, 0, PACKET);
        sender.written(number, stored);
      }
      await vi.advanceTimersByTimeAsync(0);
    };
    const reply = () => {
      for (const each of replies.splice(0)) each();
    };
    return { batches, send, reply, idle: () => sender.idle };
  }

  it("is gathered for longer under load, whatever is answered meanwhile, and for nothing behind a small batch", async () => {
    const { batches, send, reply, idle } = gathering();
    await send([1]);
    expect(batches).toEqual([[1]]);
    reply();
    await send([2, 3, 4, 5]);
    expect(batches).toEqual([[1], [2, 3, 4, 5]]);
    await send([6]);
    reply();
    await send([7]);
    await vi.advanceTimersByTimeAsync(3);
    expect(batches).toHaveLength(2);
    await send([8]);
    await vi.advanceTimersByTimeAsync(1);
    expect(batches.slice(2)).toEqual([[6, 7, 8]]);
    reply();
    await send([9]);
    expect(batches.slice(3)).toEqual([[9]]);
    reply();
    expect(idle()).toBe(true);
  });

  it("waits for no more in a batch that is full", async () => {
    const { batches, send } = gathering();
    await send([1, 2, 3, 4]);
    await send([5, 6, 7, 8, 9, 10, 11]);
    expect(batches).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8, 9],
    ]);
    await vi.advanceTimersByTimeAsync(4);
    expect(batches.slice(2)).toEqual([[10, 11]]);
  });

  it("is gathered once: when its time was over while no call was free, the next free one takes it", async () => {
    const { batches, send, reply } = gathering();
    for (let i = 0; i < 4; i++) await send([1, 2, 3, 4, 5]);
    await send([6]);
    await vi.advanceTimersByTimeAsync(10);
    await send([7]);
    expect(batches).toHaveLength(4);
    reply();
    expect(batches.slice(4)).toEqual([[6, 7]]);
  });

  it("is not gathered when the load is over, nor behind what is not written", async () => {
    const { batches, send, reply } = gathering();
    await send([1, 2, 3, 4]);
    reply();
    await vi.advanceTimersByTimeAsync(100);
    await send([5]);
    expect(batches.slice(1)).toEqual([[5]]);
    await send([6, 7, 8, 9, 10]);
    await send([11], false);
    await send([12]);
    await vi.advanceTimersByTimeAsync(1);
    expect(batches.slice(3)).toEqual([[11, 12]]);
  });
});

it("takes an answer to the receiver along with what it sends anyway, if that is the one who asked", async () => {
  const answered: number[] = [];
  const sender = senderWith({
    call: (envelope, onReply) => {
      answered.push(readHeader(envelope).answered);
      queueMicrotask(() => onReply({ status: "done", incarnation: 5 }));
    },
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

it("promises to take an answer along only while something is still to be sent", async () => {
  const answered: number[] = [];
  const replies: (() => void)[] = [];
  const sender = senderWith({
    bounds: { ...bounds, callsOutstanding: 1 },
    call: (envelope, onReply) => {
      answered.push(readHeader(envelope).answered);
      replies.push(() => onReply({ status: "done", incarnation: 5 }));
    },
  });
  const send = (count: number, stored: boolean) => {
    for (let i = 0; i < count; i++) {
      sender.writer.publish(1, 0, 0, PACKET);
      sender.written(1, stored);
    }
  };
  send(4, false);
  await vi.advanceTimersByTimeAsync(0);
  replies.pop()?.();
  send(bounds.batchEntries, true); // It is full, and goes first of all.
  const promised = Promise.resolve().then(() => sender.answer(5, 7));
  send(1, false);
  expect(await promised).toBe(false);
  expect(answered).toEqual([0, 0]);
});

it("keeps one answer back for what is sent next, for a moment, and none from a receiver that sends more", async () => {
  const answered: number[] = [];
  const sender = senderWith({
    call: (envelope, onReply) => {
      answered.push(readHeader(envelope).answered);
      queueMicrotask(() => onReply({ status: "done", incarnation: 5 }));
    },
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
  const sender = senderWith({
    call: (envelope, onReply) => {
      sent.push({ header: readHeader(envelope), numbers: numbersIn(envelope), onReply });
    },
    onAnswered: (tokens) => {
      for (const token of tokens) received.add(token);
    },
    onReset: (repeat) => {
      for (const number of received) repeat((writer) => writer.publish(number, 0, 0, PACKET), number);
    },
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
  const sender = senderWith({
    call: (_envelope, onReply) => replies.push(onReply),
    onAnswered: (tokens) => answered.push(...tokens),
    onTrouble: () => {
      throw new Error("no room");
    },
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
