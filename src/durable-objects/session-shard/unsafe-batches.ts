// Batches that wait for acknowledgements. What is not acknowledged by a batch's deadline is written, so that nothing is in
// memory alone for long.

import { recipientOf } from "../../broker/session/delivery.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { SessionStore } from "../../broker/session/session-store.ts";
import { log } from "../../platform/log.ts";
import type { DeliveryBatch } from "./delivery-batch.ts";

/** Until a write that failed is tried again. */
const AGAIN_MS = 1_000;

export interface UnsafeBatchesPorts {
  store: SessionStore;
  effects: Effect[];
  now(): number;
  /** Performs the effects and sends what was collected. */
  settle(): void;
  /** Something failed: throws, and ends the object, if that was its storage. */
  failed(error: unknown): void;
}

export class UnsafeBatches {
  readonly #ports: UnsafeBatchesPorts;
  /** In the order of their deadlines. */
  readonly #batches = new Set<DeliveryBatch>();
  #armed = false;

  constructor(ports: UnsafeBatchesPorts) {
    this.#ports = ports;
  }

  /** How many copies are in memory alone. */
  get copies(): number {
    let copies = 0;
    for (const batch of this.#batches) copies += batch.copies;
    return copies;
  }

  /** A batch waits, for so long at most. */
  add(batch: DeliveryBatch, ackDeadlineMs: number): void {
    batch.due = this.#ports.now() + ackDeadlineMs;
    this.#batches.add(batch);
    // One timer for all batches: mostly they are safe long before.
    if (!this.#armed) this.#arm(ackDeadlineMs);
  }

  /** A batch is safe. */
  delete(batch: DeliveryBatch): void {
    this.#batches.delete(batch);
  }

  #arm(ms: number): void {
    this.#armed = true;
    setTimeout(() => {
      this.#armed = false;
      const now = this.#ports.now();
      for (const batch of Array.from(this.#batches)) if (batch.due <= now) this.#meetDeadline(batch, now);
      this.#ports.settle();
      const [next] = this.#batches;
      if (next !== undefined) this.#arm(Math.max(1, next.due - now));
    }, ms);
  }

  /** The deadline of a batch has come. What could not be written is tried again: it is not safe before. */
  #meetDeadline(batch: DeliveryBatch, now: number): void {
    this.#batches.delete(batch);
    try {
      this.#writeUnacknowledged(batch);
    } catch (error) {
      this.#ports.failed(error);
      log.error("what was not acknowledged could not be written", { error });
      batch.due = now + AGAIN_MS;
      this.#batches.add(batch);
    }
  }

  /** What is not acknowledged goes to the store. */
  #writeUnacknowledged(batch: DeliveryBatch): void {
    for (const delivery of batch.deliveries) {
      const inflight = Array.from(delivery.awaited);
      if (inflight.length === 0) continue;
      this.#ports.store.append(delivery.message, inflight.map(recipientOf));
      for (const each of inflight) {
        each.outbound.missedDeadline(each, this.#ports.effects);
        delivery.settle(each);
      }
    }
  }
}
