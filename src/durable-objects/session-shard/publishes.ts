// What this shard sends to the topic shards: one stream each, and the publishes whose outcome is awaited. A publish is
// kept until its outcome came back; if the topic shard was reset in between, it is sent again.

import { limits } from "../../broker/limits.ts";
import { shardOfSlot, slotOfTopic } from "../../broker/topics/slots.ts";
import type { RouteRequest } from "../../contracts/envelope.ts";
import type { StreamChannel } from "../../platform/stream-channel.ts";
import { StreamSender } from "../../platform/stream-sender.ts";

/** A stream that has answered nothing for this long while outcomes are awaited is asked for its incarnation. */
const PROBE_MS = 5_000;

export interface PublishPorts {
  index: number;
  incarnation(): number;
  topicShards(): number;
  channel(topicShard: number): StreamChannel;
  backOffMs(attempt: number): number;
  /** A topic shard was reset since it was last heard of. */
  onReset(topicShard: number): void;
  /** A newer incarnation of this object lives. */
  onReplaced(): void;
}

/** Is told the outcome of a publish. */
export interface OutcomeAwaiter {
  routed(reasonCode: number): void;
}

interface Awaited {
  readonly publisher: number;
  readonly expiresAt: number;
  readonly packet: Uint8Array;
  readonly awaiter: OutcomeAwaiter;
  /** Incarnation of the topic shard that has it; null: not answered yet. */
  receivedBy: number | null;
}

class TopicStream {
  readonly sender: StreamSender<number>;
  readonly awaited = new Map<number, Awaited>();
  awaitedBytes = 0;
  nextNumber = 1;
  receiver: number | null = null;
  probe: ReturnType<typeof setTimeout> | null = null;

  constructor(sender: (stream: TopicStream) => StreamSender<number>) {
    this.sender = sender(this);
  }
}

export class Publishes {
  readonly #ports: PublishPorts;
  readonly #streams = new Map<number, TopicStream>();

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
    const topicShard = shardOfSlot(slotOfTopic(topic), this.#ports.topicShards());
    const stream = this.#stream(topicShard);
    if (stream.sender.pendingBytes > limits.pairPendingBytes) return false;
    if (awaiter !== null && stream.awaitedBytes > limits.awaitedBytes) return false;
    let number = 0;
    if (awaiter !== null) {
      number = stream.nextNumber;
      stream.nextNumber = (number % 0xffff_ffff) + 1;
      stream.awaited.set(number, { publisher, expiresAt, packet, awaiter, receivedBy: null });
      stream.awaitedBytes += packet.length;
      this.#armProbe(stream);
    }
    stream.sender.writer.publish(number, publisher, expiresAt, packet);
    stream.sender.written(number === 0 ? null : number);
    return true;
  }

  requestRoute(topicShard: number, request: RouteRequest): void {
    const { sender } = this.#stream(topicShard);
    sender.writer.routeRequest(request);
    sender.written(null);
  }

  /** A topic shard told the outcome of publishes `first` to `first + count - 1`. */
  routed(topicShard: number, first: number, count: number, reasonCode: number): void {
    const stream = this.#stream(topicShard);
    for (let number = first; number < first + count; number++) {
      const awaited = stream.awaited.get(number);
      if (awaited === undefined) continue;
      stream.awaited.delete(number);
      stream.awaitedBytes -= awaited.packet.length;
      awaited.awaiter.routed(reasonCode);
    }
    if (stream.awaited.size === 0 && stream.probe !== null) {
      clearTimeout(stream.probe);
      stream.probe = null;
    }
  }

  #stream(topicShard: number): TopicStream {
    const existing = this.#streams.get(topicShard);
    if (existing !== undefined) return existing;
    const ports = this.#ports;
    const channel = ports.channel(topicShard);
    const stream = new TopicStream(
      (self) =>
        new StreamSender<number>({
          sender: ports.index,
          incarnation: ports.incarnation(),
          bounds: {
            batchBytes: limits.batchBytes,
            batchEntries: limits.batchMessages,
            callsOutstanding: limits.pairCallsOutstanding,
          },
          call: (envelope) => channel.deliver(envelope),
          backOffMs: (attempt) => ports.backOffMs(attempt),
          onAnswered: (numbers, receiver) => this.#answered(topicShard, self, numbers, receiver),
          onTrouble: () => undefined,
          onRecovered: () => undefined,
          onReplaced: () => ports.onReplaced(),
        }),
    );
    this.#streams.set(topicShard, stream);
    return stream;
  }

  #answered(topicShard: number, stream: TopicStream, numbers: number[], receiver: number): void {
    for (const number of numbers) {
      const awaited = stream.awaited.get(number);
      if (awaited !== undefined) awaited.receivedBy = receiver;
    }
    const wasReset = stream.receiver !== null && stream.receiver !== receiver;
    stream.receiver = receiver;
    if (!wasReset) return;
    for (const [number, awaited] of stream.awaited) {
      if (awaited.receivedBy === null || awaited.receivedBy === receiver) continue;
      awaited.receivedBy = null;
      stream.sender.writer.publish(number, awaited.publisher, awaited.expiresAt, awaited.packet);
      stream.sender.written(number);
    }
    this.#ports.onReset(topicShard);
  }

  #armProbe(stream: TopicStream): void {
    stream.probe ??= setTimeout(() => {
      stream.probe = null;
      if (stream.awaited.size === 0) return;
      if (stream.sender.idle) stream.sender.probe();
      this.#armProbe(stream);
    }, PROBE_MS);
  }
}
