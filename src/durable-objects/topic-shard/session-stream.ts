// The stream from this topic shard to one session shard: live messages go straight into it; when the session shard
// cannot be reached or too much waits, QoS 1 messages go to the outbox and follow from there, in order.

import { limits } from "../../broker/limits.ts";
import type { Origin, RetainedPage, SharedWith } from "../../contracts/envelope.ts";
import type { StreamChannel } from "../../platform/stream-channel.ts";
import { StreamSender } from "../../platform/stream-sender.ts";
import type { Outbox } from "./outbox.ts";

/** Messages taken from the outbox at a time: few, since each may be large. */
const REFILL = 16;

/** Is told when a message is safe with this session shard, or that it cannot be taken. */
export interface SafetyAwaiter {
  safe(): void;
  refused(): void;
}

/** A message for a session shard. */
export interface Routed {
  readonly publisher: number;
  readonly expiresAt: number;
  readonly packet: Uint8Array;
  /** Null: it may come twice. */
  readonly origin: Origin | null;
  /** The one member of a share that it is for; null: it is for all who subscribe. */
  readonly member: SharedWith | null;
}

/** A message in the stream. */
interface Sent {
  readonly message: Routed;
  readonly awaiter: SafetyAwaiter | null;
  /** Its row in the outbox; 0: it is in memory alone. */
  outboxId: number;
}

export interface SessionStreamPorts {
  sender: number;
  incarnation: number;
  outbox: Outbox;
  channel: StreamChannel;
  backOffMs(attempt: number): number;
  /** Something is in the outbox: the object must wake for it. */
  onStored(): void;
  /** Called behind each answer, so that what it caused is sent. */
  settle(): void;
  onReplaced(): void;
}

export class SessionStream {
  /** Index of the session shard. */
  readonly shard: number;
  readonly #ports: SessionStreamPorts;
  readonly #sender: StreamSender<Sent>;
  /** The outbox holds messages that are not in the stream; the stream has all up to `#loadedUpTo`. */
  #spilled = false;
  #loadedUpTo = 0;
  /** Who waits for messages that the outbox holds beyond its bounds, by id: their origin sends no more meanwhile. */
  readonly #beyond = new Map<number, SafetyAwaiter>();
  #pendingRouted: { first: number; count: number; reasonCode: number } | null = null;
  dropped = 0;

  constructor(shard: number, ports: SessionStreamPorts) {
    this.shard = shard;
    this.#ports = ports;
    this.#sender = new StreamSender<Sent>({
      sender: ports.sender,
      incarnation: ports.incarnation,
      bounds: {
        batchBytes: limits.batchBytes,
        batchEntries: limits.batchMessages,
        callsOutstanding: limits.pairCallsOutstanding,
      },
      call: (envelope, onReply) => ports.channel.deliver(envelope, onReply),
      backOffMs: (attempt) => ports.backOffMs(attempt),
      onAnswered: (sent) => this.#answered(sent),
      onTrouble: (sent) => this.#store(sent),
      onRecovered: () => this.#refill(),
      onReset: () => undefined, // What it has answered is safe with it.
      onReplaced: () => ports.onReplaced(),
    });
  }

  /** Whether what is written now goes out at once. */
  get ready(): boolean {
    return !this.#spilled && !this.#sender.troubled && !this.full;
  }

  /** Whether the session shard has all that was for it. */
  get idle(): boolean {
    return !this.#spilled && this.#pendingRouted === null && this.#sender.idle;
  }

  /** Whether it holds in memory what it may. */
  get full(): boolean {
    const { pendingBytes, pendingTokens } = this.#sender;
    return pendingBytes + pendingTokens * limits.waitingOverheadBytes > limits.pairPendingBytes;
  }

  /** A message for this session shard. `awaiter`: somebody waits until it is safe; null: it may be dropped. */
  message(awaiter: SafetyAwaiter | null, message: Routed): void {
    const { ready } = this;
    // Whom a message that is to come once was given must not be forgotten, or another member would get it too.
    const stored = message.member !== null && message.origin !== null;
    if (ready && !stored) {
      this.#write(message, 0);
      this.#sender.written(awaiter === null ? null : { message, awaiter, outboxId: 0 }, message.origin !== null);
      return;
    }
    if (awaiter === null) {
      this.dropped += 1;
      return;
    }
    // What is in the stream comes before it, so it must come before it in the outbox too.
    if (!ready && !this.#spilled) this.#store(this.#sender.tokens());
    const id = this.#add(message, awaiter);
    if (id === null) {
      awaiter.refused();
      return;
    }
    this.#ports.onStored();
    if (!ready) {
      this.#spilled = true;
      return;
    }
    this.#loadedUpTo = id;
    this.#write(message, id);
    this.#sender.written({ message, awaiter: null, outboxId: id }, true);
  }

  /** The session shard's own publish `number`, which no other shard wants: its outcome is the session shard's to find. False:
   *  it cannot go straight into the stream. */
  ownMessage(number: number, message: Routed): boolean {
    if (!this.ready) return false;
    this.#sender.writer.ownMessage(number, message.publisher, message.expiresAt, message.packet);
    this.#sender.written({ message, awaiter: null, outboxId: 0 });
    return true;
  }

  /** The session shard, in that incarnation, has all batches up to `sequence`. */
  answered(sequence: number, incarnation: number): void {
    this.#ports.channel.answered(sequence, incarnation);
  }

  /** Answers the session shard's batches up to `sequence`, sent in that incarnation of it. True: the answer travels along
   *  with what goes there at the end of this event. */
  answer(incarnation: number, sequence: number): boolean {
    return this.#sender.answer(incarnation, sequence);
  }

  retained(session: number, filter: string, expiresAt: number, packet: Uint8Array): void {
    this.#sender.writer.retained(session, filter, expiresAt, packet);
    this.#sender.written(null);
  }

  retainedPage(page: RetainedPage): void {
    this.#sender.writer.retainedPage(page);
    this.#sender.written(null);
  }

  routeStored(request: number, accepted: boolean): void {
    this.#sender.writer.routeStored(request, accepted);
    this.#sender.written(null);
  }

  /** The outcome of one of the session shard's publishes. Neighbours with the same outcome travel as one entry. */
  routed(number: number, reasonCode: number): void {
    const pending = this.#pendingRouted;
    if (pending !== null && pending.reasonCode === reasonCode && pending.first + pending.count === number) {
      pending.count += 1;
      return;
    }
    this.flushRouted();
    this.#pendingRouted = { first: number, count: 1, reasonCode };
  }

  /** Puts the outcomes so far into the stream: at the end of each event. */
  flushRouted(): void {
    const pending = this.#pendingRouted;
    if (pending === null) return;
    this.#pendingRouted = null;
    this.#sender.writer.routed(pending.first, pending.count, pending.reasonCode);
    this.#sender.written(null);
  }

  /** Sends what an earlier life of this object left in the outbox. */
  resume(): void {
    this.#spilled = true;
    this.#refill();
  }

  /** `id`: in the outbox. */
  #write({ publisher, expiresAt, packet, origin, member }: Routed, id: number): void {
    const { writer } = this.#sender;
    if (member !== null) writer.shared(member, origin === null ? 0 : id, publisher, expiresAt, packet);
    else if (origin === null) writer.message(publisher, expiresAt, packet);
    else writer.messageOnce(origin, publisher, expiresAt, packet);
  }

  #answered(sent: Sent[]): void {
    for (const { awaiter, outboxId } of sent) {
      if (outboxId === 0) {
        awaiter?.safe();
        continue;
      }
      this.#ports.outbox.remove(this.shard, outboxId);
      this.#beyond.get(outboxId)?.safe();
      this.#beyond.delete(outboxId);
    }
    if (this.#spilled && !this.#sender.troubled) this.#refill();
    this.#ports.settle();
  }

  /** The session shard cannot be reached: what is in memory alone is stored, and is safe then. */
  #store(sent: Sent[]): void {
    let stored = false;
    for (const each of sent) {
      if (each.outboxId !== 0) continue;
      const id = this.#add(each.message, each.awaiter);
      if (id === null) continue; // It stays unacknowledged until the session shard answers.
      stored = true;
      each.outboxId = id;
      this.#loadedUpTo = id;
    }
    if (stored) this.#ports.onStored();
    this.#ports.settle();
  }

  /** Stores a message. Returns its id; null: there is no room. One that is to come once is stored all the same: behind a
   *  later one of its origin that is here it would pass for one that had come. */
  #add(message: Routed, awaiter: SafetyAwaiter | null): number | null {
    const { outbox } = this.#ports;
    const { full } = outbox;
    if (full && message.origin === null) return null;
    const id = outbox.add(this.shard, message);
    if (full && awaiter !== null) this.#beyond.set(id, awaiter);
    else awaiter?.safe();
    return id;
  }

  #refill(): void {
    while (this.#spilled && this.#sender.pendingBytes <= limits.batchBytes) {
      const messages = this.#ports.outbox.read(this.shard, this.#loadedUpTo, REFILL);
      for (const message of messages) {
        this.#loadedUpTo = message.id;
        this.#write(message, message.id);
        this.#sender.written({ message, awaiter: null, outboxId: message.id }, message.origin !== null);
      }
      if (messages.length < REFILL) this.#spilled = false;
    }
  }
}
