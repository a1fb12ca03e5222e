// The receiving end of the ordered streams to an object: applies each batch once and in order, answers a repeated one
// like the first, refuses gaps and the calls of a sender that has been replaced. It keeps nothing durable: a receiver
// that was reset begins where the sender says that all before was answered.

import type { EnvelopeHeader } from "../contracts/envelope.ts";
import { readHeader } from "../contracts/envelope.ts";
import type { DeliverReply } from "../contracts/rpc.ts";

interface SenderState {
  incarnation: number;
  next: number;
  /** Batches that are applied and not answered yet, by sequence. */
  pending: Map<number, Promise<void>>;
}

export class StreamReceiver {
  readonly #incarnation: number;
  readonly #senders = new Map<number, SenderState>();

  /** `incarnation`: how often this object has started. */
  constructor(incarnation: number) {
    this.#incarnation = incarnation;
  }

  /** Applies `envelope` if it is the next one of its sender. `apply` does its work at once and returns a promise only
   *  if the answer must wait; that must not depend on an outgoing call. Throws what `readHeader` throws. */
  async receive(
    envelope: Uint8Array,
    apply: (header: EnvelopeHeader) => Promise<void> | undefined,
  ): Promise<DeliverReply> {
    const header = readHeader(envelope);
    const incarnation = this.#incarnation;
    let state = this.#senders.get(header.sender);
    if (state === undefined || header.incarnation > state.incarnation) {
      if (header.sequence !== header.base) return { status: "gap", incarnation, expected: header.base };
      state = { incarnation: header.incarnation, next: header.sequence, pending: new Map() };
      this.#senders.set(header.sender, state);
    }
    if (header.incarnation < state.incarnation) return { status: "stale", incarnation };
    if (header.sequence > state.next && header.sequence !== header.base) {
      return { status: "gap", incarnation, expected: state.next };
    }
    if (header.sequence >= state.next) {
      state.next = header.sequence + 1;
      await this.#applied(state, header, apply);
    } else {
      await state.pending.get(header.sequence);
    }
    return { status: "done", incarnation };
  }

  async #applied(
    state: SenderState,
    header: EnvelopeHeader,
    apply: (header: EnvelopeHeader) => Promise<void> | undefined,
  ): Promise<void> {
    const safe = apply(header);
    if (safe === undefined) return;
    state.pending.set(header.sequence, safe);
    try {
      await safe;
    } finally {
      state.pending.delete(header.sequence);
    }
  }
}
