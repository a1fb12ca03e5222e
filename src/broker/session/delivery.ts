// What is still in memory alone of one message: the recipients that were sent it and have not acknowledged. It is safe
// when none is left, because each has acknowledged or the store holds it for those that have not.

import type { Message } from "./message.ts";
import type { Outbound } from "./outbound.ts";
import type { Place, Recipient } from "./session-store.ts";

/** A message sent to a client and not acknowledged. */
export interface Inflight {
  readonly outbound: Outbound;
  /** Its number in the session's order. */
  readonly n: number;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** The share of which it is; "": of none. */
  readonly share: string;
  /** Of its message, for accounting. */
  readonly byteLength: number;
  /** Where it is in memory alone; null once the store holds it. */
  delivery: Delivery | null;
}

export class Delivery {
  readonly message: Message;
  readonly #awaited = new Set<Inflight>();
  readonly #onSafe: () => void;
  #armed = false;

  /** `onSafe` is called once, when the last recipient is settled after `arm`. */
  constructor(message: Message, onSafe: () => void) {
    this.message = message;
    this.#onSafe = onSafe;
  }

  get safe(): boolean {
    return this.#awaited.size === 0;
  }

  get awaited(): Iterable<Inflight> {
    return this.#awaited;
  }

  /** How many recipients are. */
  get copies(): number {
    return this.#awaited.size;
  }

  /** Every recipient has been asked: from now on none is added. */
  arm(): void {
    this.#armed = true;
  }

  await(inflight: Inflight): void {
    this.#awaited.add(inflight);
  }

  /** One recipient needs it in memory no more. */
  settle(inflight: Inflight): void {
    inflight.delivery = null;
    if (this.#awaited.delete(inflight) && this.#awaited.size === 0 && this.#armed) this.#onSafe();
  }
}

/** `delivery`: null if the store holds its message. */
export function newInflight(
  outbound: Outbound,
  n: number,
  place: Place,
  byteLength: number,
  delivery: Delivery | null,
): Inflight {
  const { qos, retain, identifiers, share } = place;
  return { outbound, n, qos: qos === 2 ? 2 : 1, retain, identifiers, share, byteLength, delivery };
}

/** The place of an inflight message in the store. */
export function recipientOf(inflight: Inflight): Recipient {
  const { outbound, n, qos, retain, identifiers, share } = inflight;
  return { session: outbound.session, n, qos, retain, identifiers, share };
}
