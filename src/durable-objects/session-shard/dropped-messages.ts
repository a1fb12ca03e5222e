// How many messages this shard's sessions did not get or give, since the object started, and why.

import type { DropReason } from "../../broker/session/effects.ts";

/** Why a session did not get a message; or why none got it: it came faster than messages of QoS 0 are taken, or it was a
 *  will that waited with too many for room in the outbox. */
export type DroppedReason = DropReason | "inbound_full" | "outbox_full";

export class DroppedMessages {
  readonly #counts = new Map<DroppedReason, number>();

  add(reason: DroppedReason, messages = 1): void {
    if (messages === 0) return;
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + messages);
  }

  get total(): number {
    let total = 0;
    for (const messages of this.#counts.values()) total += messages;
    return total;
  }

  get byReason(): Partial<Record<DroppedReason, number>> {
    return Object.fromEntries(this.#counts);
  }
}
