// What a session's entries come to when the session is loaded.

import { arrivalOf, classOfNumber, FIRST_PLACE } from "../../../broker/session/queue-order.ts";
import type { OutboundState } from "../../../broker/session/stored-queue.ts";
import type { Entry } from "./entry.ts";

/** What the entries are to a session that was sent those up to `sentUpTo`. They are in order. */
export function queueState(entries: readonly Entry[], sentUpTo: number): OutboundState {
  const classes = new Map<number, number>();
  let [lastNumber, lastArrival, sent, queuedBytes, queuedQos0, shared] = [0, 0, 0, 0, 0, 0];
  for (const { n, bytes, qos, share } of entries) {
    if (n < FIRST_PLACE) lastNumber = n;
    else {
      const rank = classOfNumber(n);
      classes.set(rank, (classes.get(rank) ?? 0) + 1);
      lastArrival = Math.max(lastArrival, arrivalOf(n));
    }
    if (share !== "") shared += 1;
    if (n <= sentUpTo) {
      sent += 1;
      continue;
    }
    queuedBytes += bytes;
    if (qos === 0) queuedQos0 += 1;
  }
  return {
    sentUpTo,
    lastNumber,
    sent,
    queued: entries.length - sent,
    queuedBytes,
    queuedQos0,
    shared,
    classes: Array.from(classes),
    lastArrival,
  };
}

/** Number of the last of the first `count` entries that are of the session's order and not of QoS 0; 0: there is none. */
export function numberAtMost(entries: readonly Entry[], count: number): number {
  let last = 0;
  let left = count;
  for (const { n, qos } of entries) {
    if (n >= FIRST_PLACE || left === 0) break;
    if (qos === 0) continue;
    last = n;
    left -= 1;
  }
  return last;
}
