// The stream of a topic shard to a session shard that answers nothing, then is lost, then comes back: what spilled to the
// outbox follows what was in the stream, and nothing is missing. So it is after a crash of the topic shard.

import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { readHeader, visitEntries } from "../../../src/contracts/envelope-reader.ts";
import { writeReply } from "../../../src/contracts/stream.ts";
import { Outbox } from "../../../src/durable-objects/topic-shard/outbox.ts";
import { SessionStream } from "../../../src/durable-objects/topic-shard/session-stream.ts";
import { StreamChannel } from "../../../src/platform/stream-channel.ts";
import { StreamReceiver } from "../../../src/platform/stream-receiver.ts";
import { TestDeployment } from "./link-client.ts";

/** A session shard: takes what comes, answers only if it is told to. */
class Receiver {
  readonly numbers: number[] = [];
  /** Sequences of an origin, as they came for the first time: what is no higher than the last counts as known. */
  readonly sequences: number[] = [];
  answers = false;
  #receiver = new StreamReceiver(1);
  #socket: WebSocket | null = null;

  accept(): Response {
    const { 0: sender, 1: socket } = new WebSocketPair();
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.accept();
    socket.addEventListener("message", ({ data }) => void this.#take(socket, new Uint8Array(data as ArrayBuffer)));
    return new Response(null, { status: 101, webSocket: sender });
  }

  /** Loses its memory, and all connections with it. */
  reset(): void {
    this.#receiver = new StreamReceiver(2);
    this.numbers.length = 0;
    this.#socket?.close(1011, "");
    this.#socket = null;
  }

  async #take(socket: WebSocket, envelope: Uint8Array): Promise<void> {
    if (socket !== this.#socket) return;
    const reply = await this.#receiver.receive(envelope, () => {
      visitEntries(envelope, {
        message: (publisher) => this.numbers.push(publisher),
        messageOnce: ({ sequence }) => {
          if (sequence > (this.sequences.at(-1) ?? 0)) this.sequences.push(sequence);
        },
      });
      return undefined;
    });
    if (reply !== null && this.answers && socket === this.#socket)
      socket.send(writeReply(readHeader(envelope).sequence, reply));
  }
}

function newStream(outbox: Outbox, receiver: Receiver, incarnation: number): SessionStream {
  return new SessionStream(0, {
    sender: 0,
    incarnation,
    outbox,
    channel: new StreamChannel(async () => receiver.accept(), 60_000),
    backOffMs: () => 1,
    onStored: () => undefined,
    settle: () => undefined,
    onReplaced: () => undefined,
  });
}

it("keeps the order over the bound of what may wait in memory and a reset", async () => {
  const deployment = await TestDeployment.create("spill1x", 1);
  await runInDurableObject(deployment.topicShard(0) as never, async (_instance, { storage }) => {
    const receiver = new Receiver();
    const outbox = new Outbox(storage.sql);
    let safe = 0;
    const stream = newStream(outbox, receiver, 1);
    const packet = new Uint8Array(1_048_576);
    const awaiter = { safe: () => (safe += 1), refused: () => expect.unreachable() };
    const send = async (from: number, to: number) => {
      for (let number = from; number <= to; number++) {
        stream.message(awaiter, { publisher: number, expiresAt: 0, packet, origin: null, member: null });
        await Promise.resolve();
      }
    };
    const all = Array.from({ length: 60 }, (_, i) => i + 1);
    await send(1, 40); // More than the stream holds in memory: the last go to the outbox.
    expect(outbox.messages).toBeGreaterThan(0);
    receiver.reset();
    await expect.poll(() => safe, { timeout: 5_000 }).toBe(40); // All of it is stored now.
    receiver.answers = true;
    await send(41, 60);
    await expect.poll(() => outbox.messages, { timeout: 10_000 }).toBe(0);
    await expect.poll(() => receiver.numbers, { timeout: 10_000 }).toEqual(all);
    expect(safe).toBe(60);
  });
});

it("holds small messages for a session shard that answers nothing by what they cost in memory", async () => {
  const deployment = await TestDeployment.create("spill3x", 1);
  await runInDurableObject(deployment.topicShard(0) as never, async (_instance, { storage }) => {
    const outbox = new Outbox(storage.sql);
    const stream = newStream(outbox, new Receiver(), 1);
    const packet = new Uint8Array(12);
    const awaiter = { safe: () => undefined, refused: () => expect.unreachable() };
    let held = 0;
    while (!stream.full) {
      stream.message(awaiter, { publisher: 0, expiresAt: 0, packet, origin: null, member: null });
      held += 1;
      await Promise.resolve();
    }
    const outstanding = limits.pairCallsOutstanding * limits.batchMessages;
    expect((held - outstanding) * limits.waitingOverheadBytes).toBeLessThan(limits.pairPendingBytes);
    expect(outbox.messages).toBe(0);
  });
});

it("[MQTT-4.3.3-1] what was in the stream while the outbox was full is not passed over after a crash of the topic shard", async () => {
  const deployment = await TestDeployment.create("spill2x", 1);
  await runInDurableObject(deployment.topicShard(0) as never, async (_instance, { storage }) => {
    const { sql } = storage;
    // What another session shard, which cannot be reached, has not been given.
    sql.exec(
      `WITH RECURSIVE waiting (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM waiting WHERE id < ?)
       INSERT INTO outbox (shard, id, publisher, expires_at, packet) SELECT 7, id, 0, 0, x'00' FROM waiting`,
      limits.outboxMessages,
    );
    const outbox = new Outbox(sql);
    expect(outbox.full).toBe(true);
    const receiver = new Receiver();
    const packet = new Uint8Array(20);
    let safe = 0;
    const awaiter = { safe: () => (safe += 1), refused: () => expect.unreachable() };
    const publish = (stream: SessionStream, sequence: number) =>
      stream.message(awaiter, {
        publisher: sequence,
        expiresAt: 0,
        packet,
        origin: { shard: 0, sequence },
        member: null,
      });
    const stream = newStream(outbox, receiver, 1);
    publish(stream, 1);
    await expect.poll(() => receiver.sequences).toEqual([1]);
    receiver.reset();
    await expect.poll(() => stream.ready).toBe(false);
    publish(stream, 2);
    expect(safe).toBe(0); // So the origin sends both again, after the crash.

    const back = new Receiver();
    back.answers = true;
    const later = newStream(new Outbox(sql), back, 2);
    later.resume();
    publish(later, 1);
    publish(later, 2);
    await expect.poll(() => safe).toBe(2);
    expect(back.sequences).toEqual([1, 2]);
  });
});
