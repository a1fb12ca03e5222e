// The stream to one topic shard, and the publishes in it whose outcome is awaited.

import { limits } from "../../broker/limits.ts";
import { LazyTimer } from "../../platform/lazy-timer.ts";
import type { StreamChannel } from "../../platform/stream-channel.ts";
import type { StreamSender } from "../../platform/stream-sender.ts";

/** Is told the outcome of a publish. */
export interface OutcomeAwaiter {
  routed(reasonCode: number): void;
}

/** A publish on its way. */
export interface AwaitedPublish {
  /** Of a message that is to come once; 0: it may come twice. */
  readonly sequence: number;
  /** The share to whose group it goes back; "": none. */
  readonly share: string;
  readonly publisher: number;
  readonly expiresAt: number;
  readonly packet: Uint8Array;
  readonly awaiter: OutcomeAwaiter;
}

interface Awaited extends AwaitedPublish {
  /** The topic shard has it. */
  received: boolean;
  /** Its outcome is known. It is kept while an older one's is not: if that is sent again, this one must follow it. */
  settled: boolean;
}

export class TopicStream {
  /** Tokens: the number of a publish, or a route request's with a minus. */
  readonly sender: StreamSender<number>;
  readonly channel: StreamChannel;
  readonly watch: LazyTimer;
  /** By number, oldest first. */
  readonly awaited = new Map<number, Awaited>();
  /** When something was last answered, or began to be awaited; epoch milliseconds. */
  heardAt = 0;
  /** When the topic shard was last asked for its incarnation; epoch milliseconds. */
  askedAt = 0;
  /** What is awaited costs so much in memory. */
  #awaitedBytes = 0;
  #nextNumber: number;

  /** `look` is called every so often while it returns true, once `watch` is armed. */
  constructor(
    channel: StreamChannel,
    firstNumber: number,
    sender: (stream: TopicStream) => StreamSender<number>,
    { everyMs, look }: { everyMs: number; look: (stream: TopicStream) => boolean },
  ) {
    this.channel = channel;
    this.#nextNumber = firstNumber;
    this.sender = sender(this);
    this.watch = new LazyTimer(everyMs, () => look(this));
  }

  /** Whether one more may be awaited. */
  hasRoom(): boolean {
    if (this.#awaitedBytes <= limits.awaitedBytes) return true;
    this.#forgetSettled(false);
    return this.#awaitedBytes <= limits.awaitedBytes;
  }

  /** Awaits the outcome of a publish. Returns its number. */
  await({ sequence, share, publisher, expiresAt, packet, awaiter }: AwaitedPublish): number {
    if (this.awaited.size === 0) this.heardAt = Date.now();
    const number = this.#nextNumber;
    this.#nextNumber = (number % 0xffff_ffff) + 1;
    const awaited = { sequence, share, publisher, expiresAt, packet, awaiter, received: false, settled: false };
    this.awaited.set(number, awaited);
    this.#awaitedBytes += packet.length + limits.waitingOverheadBytes;
    this.watch.arm();
    return number;
  }

  /** The topic shard has this publish. */
  received(number: number): void {
    const awaited = this.awaited.get(number);
    if (awaited !== undefined) awaited.received = true;
  }

  /** The outcome of publishes `first` to `first + count - 1`. */
  routed(first: number, count: number, reasonCode: number): void {
    for (let number = first; number < first + count; number++) {
      const awaited = this.awaited.get(number);
      if (awaited === undefined || awaited.settled) continue;
      awaited.settled = true;
      awaited.awaiter.routed(reasonCode);
    }
    this.#forgetSettled(true);
  }

  /** Forgets what has its outcome. `oldest`: only as far as nothing before it waits for its own. */
  #forgetSettled(oldest: boolean): void {
    for (const [number, { settled, packet }] of this.awaited) {
      if (settled) {
        this.awaited.delete(number);
        this.#awaitedBytes -= packet.length + limits.waitingOverheadBytes;
      } else if (oldest) return;
    }
  }
}
