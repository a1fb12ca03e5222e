// The receiving end of the ordered streams to an object: applies each batch once and in order, answers a repeated one
// like the first, refuses gaps and the calls of a sender that has been replaced. It keeps nothing durable: a receiver
// that was reset begins where the sender says that all before was answered.

import type { EnvelopeHeader } from "../contracts/envelope.ts";
import { readHeader } from "../contracts/envelope-reader.ts";
import type { DeliverReply } from "../contracts/rpc.ts";
import { log } from "./log.ts";

interface SenderState {
  incarnation: number;
  next: number;
  /** Batches that are applied and not answered yet, by sequence. */
  pending: Map<number, Promise<void>>;
  /** How often the next batch has failed. */
  failures: number;
}

/** A batch that fails so often is a bug of ours, and is passed over: the stream must go on. */
const FAILURES_MAX = 5;

export class StreamReceiver {
  readonly #incarnation: number;
  readonly #senders = new Map<number, SenderState>();

  /** `incarnation`: how often this object has started. */
  constructor(incarnation: number) {
    this.#incarnation = incarnation;
  }

  /** Applies `envelope` if it is the next one of its sender. `apply` does its work at once and returns a promise only
   *  if the answer must wait; that must not depend on an outgoing call. `travels` is asked when the batch and all before
   *  it are done: true if the sender learns of it otherwise, and then the reply is null. Throws what `readHeader` and
   *  `apply` throw: the sender then sends the batch again, and it is applied again. */
  async receive(
    envelope: Uint8Array,
    apply: (header: EnvelopeHeader) => Promise<void> | undefined,
    travels: (header: EnvelopeHeader) => boolean | Promise<boolean> = never,
  ): Promise<DeliverReply | null> {
    const header = readHeader(envelope);
    const incarnation = this.#incarnation;
    if (header.receiver !== 0 && header.receiver !== incarnation) return { status: "reset", incarnation };
    let state = this.#senders.get(header.sender);
    if (state === undefined || header.incarnation > state.incarnation) {
      if (header.sequence !== header.base) return { status: "gap", incarnation, expected: header.base };
      state = { incarnation: header.incarnation, next: header.sequence, pending: new Map(), failures: 0 };
      this.#senders.set(header.sender, state);
    }
    if (header.incarnation < state.incarnation) return { status: "stale", incarnation };
    if (header.sequence > state.next && header.sequence !== header.base) {
      return { status: "gap", incarnation, expected: state.next };
    }
    const done: DeliverReply = { status: "done", incarnation };
    if (header.sequence < state.next) {
      await state.pending.get(header.sequence);
      return done;
    }
    const safe = this.#attempt(state, header, apply);
    if (safe !== undefined) await untilSafe(state, header.sequence, safe);
    const [oldestPending = Infinity] = state.pending.keys();
    if (oldestPending < header.sequence) return done;
    const travelling = travels(header);
    return (typeof travelling === "boolean" ? travelling : await travelling) ? null : done;
  }

  #attempt(
    state: SenderState,
    header: EnvelopeHeader,
    apply: (header: EnvelopeHeader) => Promise<void> | undefined,
  ): Promise<void> | undefined {
    try {
      const safe = apply(header);
      state.next = header.sequence + 1;
      state.failures = 0;
      return safe;
    } catch (error) {
      state.failures += 1;
      state.next = header.sequence;
      if (state.failures < FAILURES_MAX) throw error;
      log.error("a batch is passed over", { sender: header.sender, sequence: header.sequence, error });
      state.next = header.sequence + 1;
      state.failures = 0;
      return undefined;
    }
  }
}

async function untilSafe({ pending }: SenderState, sequence: number, safe: Promise<void>): Promise<void> {
  pending.set(sequence, safe);
  try {
    await safe;
  } finally {
    pending.delete(sequence);
  }
}

function never(): boolean {
  return false;
}
