// What this shard sends to the topic shards: one stream each, and the publishes whose outcome is awaited. A publish is
// kept until its outcome came back; if the topic shard was reset in between, it is sent again, before all newer ones. While
// slots move, what is for a topic shard may be held here.

import { limits } from "../../broker/limits.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { slotOfTopic } from "../../broker/topics/slots.ts";
import type { Placement } from "../../contracts/deployment-config.ts";
import type { RetainedRequest, RouteRequest } from "../../contracts/envelope.ts";
import { LazyTimer } from "../../platform/lazy-timer.ts";
import type { StreamChannel } from "../../platform/stream-channel.ts";
import type { StreamSenderOptions } from "../../platform/stream-sender.ts";
import { StreamSender } from "../../platform/stream-sender.ts";
import { HeldPublishes } from "./held-publishes.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { Routes } from "./routes.ts";
import type { TakenMessage } from "./taken-messages.ts";
import type { OutcomeAwaiter } from "./topic-stream.ts";
import { TopicStream } from "./topic-stream.ts";

/** A topic shard that has answered nothing for this long while something is awaited is asked for its incarnation, should
 *  its death have broken no socket. */
const PROBE_MS = 5_000;
/** It is asked no sooner again than this, should it die of it. */
const ASK_MS = 1_000;
/** How often that is looked at. Short, since the object does not sleep before it was looked at in vain. */
const LOOK_MS = 250;

export interface PublishPorts {
  index: number;
  incarnation(): number;
  placement(): Placement;
  /** `onBroken`: the topic shard may have died. */
  channel(topicShard: number, onBroken: () => void): StreamChannel;
  backOffMs(attempt: number): number;
  /** Of a stream's publishes, from 1: another in each incarnation, so that an outcome that was meant for the last one
   *  settles nothing of this one. */
  firstNumber(): number;
  /** Whose requests the topic shards are told here. */
  routes(): Pick<Routes, "awaits" | "received" | "unanswered">;
  retained(): Pick<RetainedReads, "awaits" | "askAgain">;
  /** A message of QoS 0 that was held found no room. */
  dropped(): void;
  /** A newer incarnation of this object lives. */
  onReplaced(): void;
}

type Repeat = Parameters<StreamSenderOptions<number>["onReset"]>[0];

export class Publishes {
  readonly #ports: PublishPorts;
  readonly #streams = new Map<number, TopicStream>();
  #held = new HeldPublishes();
  /** What is held is in memory alone: the object must not sleep over it. */
  readonly #awake = new LazyTimer(LOOK_MS, () => this.#held.all.length > 0);

  constructor(ports: PublishPorts) {
    this.#ports = ports;
  }

  /** Publishes whose outcome is awaited. */
  get awaited(): number {
    let count = 0;
    for (const stream of this.#streams.values()) count += stream.awaited.size;
    return count;
  }

  /** Sends a message on its way. False: too much waits for that topic shard, and at QoS 0 (no awaiter) it is dropped. */
  publish(
    topic: string,
    packet: Uint8Array,
    publisher: number,
    expiresAt: number,
    awaiter: OutcomeAwaiter | null,
  ): boolean {
    const { topic: slots, held } = this.#ports.placement();
    const topicShard = slots.shardOf(slotOfTopic(topic));
    if (held.size > 0 && held.has(topicShard)) {
      this.#awake.arm();
      return this.#held.add({ topic, packet, publisher, expiresAt, awaiter });
    }
    const stream = this.#stream(topicShard);
    if (stream.sender.pendingBytes > limits.pairPendingBytes) return false;
    if (awaiter !== null && !stream.hasRoom()) return false;
    const number =
      awaiter === null ? 0 : stream.await({ sequence: 0, share: "", publisher, expiresAt, packet, awaiter });
    stream.sender.writer.publish(number, publisher, expiresAt, packet);
    stream.sender.written(number === 0 ? null : number);
    return true;
  }

  /** Slots live elsewhere now, or other topic shards are held: what was held goes on. */
  placed(): void {
    const held = this.#held;
    this.#held = new HeldPublishes();
    for (const { topic, packet, publisher, expiresAt, awaiter } of held.all) {
      if (this.publish(topic, packet, publisher, expiresAt, awaiter)) continue;
      if (awaiter === null) this.#ports.dropped();
      else awaiter.routed(reasonCodes.quotaExceeded);
    }
  }

  /** Whether nothing is under way to a topic shard, and nothing is awaited from there. */
  quiet(topicShard: number): boolean {
    const stream = this.#streams.get(topicShard);
    return (
      stream === undefined || (stream.sender.idle && stream.awaited.size === 0 && !this.#awaitsAnswers(topicShard))
    );
  }

  /** Sends a message that is to come once. The outbox bounds how many are on their way. */
  publishOnce(topicShard: number, message: TakenMessage, awaiter: OutcomeAwaiter): void {
    const { sequence, share, publisher, expiresAt, packet } = message;
    const stream = this.#stream(topicShard);
    const number = stream.await({ sequence, share, publisher, expiresAt, packet, awaiter });
    const { writer } = stream.sender;
    if (share === "") writer.publishOnce(sequence, number, publisher, expiresAt, packet);
    else writer.returned(sequence, share, number, publisher, expiresAt, packet);
    stream.sender.written(number);
  }

  /** A topic shard, in this incarnation of it, has all batches up to `sequence`. False: that was known. */
  answered(topicShard: number, sequence: number, incarnation: number): boolean {
    return this.#stream(topicShard).channel.answered(sequence, incarnation);
  }

  /** All of a topic shard's batches up to `sequence`, of that incarnation of it, are done. Whether the answer travels along
   *  with the next publish. */
  answerSoon(topicShard: number, incarnation: number, sequence: number): boolean | Promise<boolean> {
    return this.#stream(topicShard).sender.answerSoon(incarnation, sequence);
  }

  requestRoute(topicShard: number, request: RouteRequest): void {
    const stream = this.#stream(topicShard);
    stream.sender.writer.routeRequest(request);
    stream.sender.written(-request.request);
    stream.watch.arm();
  }

  requestRetained(topicShard: number, request: RetainedRequest): void {
    const { sender, watch } = this.#stream(topicShard);
    sender.writer.retainedRequest(request);
    sender.written(null);
    watch.arm();
  }

  /** Tells a topic shard how many messages a member has at hand, of those up to a turn. It may be lost. */
  load(topicShard: number, uid: number, turn: number, messages: number): void {
    if (this.#ports.placement().held.has(topicShard)) return;
    const { sender } = this.#stream(topicShard);
    sender.writer.load(uid, turn, messages);
    sender.written(null);
  }

  /** A topic shard told the outcome of publishes `first` to `first + count - 1`. */
  routed(topicShard: number, first: number, count: number, reasonCode: number): void {
    this.#stream(topicShard).routed(first, count, reasonCode);
  }

  #stream(topicShard: number): TopicStream {
    const existing = this.#streams.get(topicShard);
    if (existing !== undefined) return existing;
    const ports = this.#ports;
    const channel = ports.channel(topicShard, () => ask(stream));
    const stream = new TopicStream(
      channel,
      ports.firstNumber(),
      (self) =>
        new StreamSender<number>({
          sender: ports.index,
          incarnation: ports.incarnation(),
          bounds: {
            batchBytes: limits.batchBytes,
            batchEntries: limits.batchMessages,
            callsOutstanding: limits.pairCallsOutstanding,
          },
          call: (envelope, onReply) => channel.deliver(envelope, onReply),
          backOffMs: (attempt) => ports.backOffMs(attempt),
          onAnswered: (tokens) => this.#answered(topicShard, self, tokens),
          onTrouble: () => undefined,
          onRecovered: () => undefined,
          onReset: (repeat) => this.#repeat(topicShard, self, repeat),
          onReplaced: () => ports.onReplaced(),
        }),
      { everyMs: LOOK_MS, look: (self) => this.#look(topicShard, self) },
    );
    this.#streams.set(topicShard, stream);
    return stream;
  }

  #awaitsAnswers(topicShard: number): boolean {
    const { routes, retained } = this.#ports;
    return routes().awaits(topicShard) || retained().awaits(topicShard);
  }

  /** True while something is awaited. */
  #look(topicShard: number, stream: TopicStream): boolean {
    if (stream.awaited.size === 0 && !this.#awaitsAnswers(topicShard)) return false;
    if (Date.now() - stream.heardAt >= PROBE_MS) ask(stream);
    return true;
  }

  #answered(topicShard: number, stream: TopicStream, tokens: readonly number[]): void {
    stream.heardAt = Date.now();
    for (const token of tokens) {
      if (token < 0) this.#ports.routes().received(topicShard, -token);
      else {
        stream.received(token);
      }
    }
  }

  /** What a topic shard had received and lost with its memory before it told the outcome. */
  #repeat(topicShard: number, stream: TopicStream, repeat: Repeat): void {
    for (const request of this.#ports.routes().unanswered(topicShard)) {
      repeat((writer) => writer.routeRequest(request), -request.request);
    }
    for (const [number, { received, sequence, share, publisher, expiresAt, packet }] of stream.awaited) {
      if (!received) continue;
      repeat((writer) => {
        if (sequence === 0) writer.publish(number, publisher, expiresAt, packet);
        else if (share === "") writer.publishOnce(sequence, number, publisher, expiresAt, packet);
        else writer.returned(sequence, share, number, publisher, expiresAt, packet);
      }, number);
    }
    this.#ports.retained().askAgain(topicShard);
  }
}

/** Has a topic shard tell its incarnation, unless something is on its way that makes it. It wakes from that, if it died,
 *  and goes on with what it had stored. */
function ask(stream: TopicStream): void {
  const now = Date.now();
  if (!stream.sender.idle || now - stream.askedAt < ASK_MS) return;
  stream.heardAt = now;
  stream.askedAt = now;
  stream.sender.probe();
}
