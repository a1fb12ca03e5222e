// A batch of a topic shard, from when it is received until all of it is safe: what of it is to be stored, what is in
// memory alone, and what failed.

import type { Delivery } from "../../broker/session/delivery.ts";
import type { Message } from "../../broker/session/message.ts";
import type { Outbound } from "../../broker/session/outbound.ts";
import type { Recipient } from "../../broker/session/session-store.ts";

/** Is told the outcome of one of this shard's own publishes. */
export type Outcome = (reasonCode: number) => void;

export interface ToStore {
  readonly message: Message;
  readonly recipients: Recipient[];
  readonly outbounds: Outbound[];
  /** Is told once it is stored. */
  readonly outcome: Outcome | null;
}

export class DeliveryBatch {
  /** In memory alone. */
  readonly deliveries: Delivery[] = [];
  readonly safe: Promise<void>;
  /** Of entries that could not be handled. */
  readonly failures: unknown[] = [];
  /** When what is not safe is written, epoch milliseconds. */
  due = 0;
  /** What could not be sent at once and is not stored yet. */
  #toStore: ToStore[] = [];
  /** For how many sessions that is, a message counted for each of its own. */
  toStoreCopies = 0;
  /** Deliveries that are not safe, and one while the batch is being handled. */
  #unsafe = 1;
  #resolve: () => void = () => undefined;
  readonly #onSafe: (batch: DeliveryBatch) => void;

  constructor(onSafe: (batch: DeliveryBatch) => void) {
    this.#onSafe = onSafe;
    this.safe = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get unsafe(): boolean {
    return this.#unsafe > 0;
  }

  /** How many copies are in memory alone. */
  get copies(): number {
    return this.deliveries.reduce((sum, { copies }) => sum + copies, 0);
  }

  add(delivery: Delivery): void {
    this.deliveries.push(delivery);
    this.#unsafe += 1;
  }

  settled(): void {
    this.#unsafe -= 1;
    if (this.#unsafe > 0) return;
    this.#onSafe(this);
    this.#resolve();
  }

  store(each: ToStore): void {
    this.#toStore.push(each);
    this.toStoreCopies += each.recipients.length;
  }

  /** What is to be stored now. */
  takeToStore(): ToStore[] {
    const toStore = this.#toStore;
    this.#toStore = [];
    this.toStoreCopies = 0;
    return toStore;
  }
}
