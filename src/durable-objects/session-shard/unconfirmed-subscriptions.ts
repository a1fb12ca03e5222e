// Subscriptions that are stored while their routes are not durable yet. One that fails gives way to what is left of the
// session's subscriptions for its filter: a later one, an earlier one that may still stand, or the last that stood.

import type { StoredSubscription, Subscriptions } from "./subscriptions.ts";

export class UnconfirmedSubscriptions {
  readonly #subscriptions: Subscriptions;
  /** By session and filter: what stood last (null: nothing), and behind it what may stand. The last one is stored. */
  readonly #histories = new Map<string, (StoredSubscription | null)[]>();

  constructor(subscriptions: Subscriptions) {
    this.#subscriptions = subscriptions;
  }

  /** Stores a subscription, of which `confirm` or `rollBack` shall be told. */
  add(uid: number, subscription: StoredSubscription): void {
    const { filter } = subscription;
    const key = keyOf(uid, filter);
    const history = this.#histories.get(key) ?? [this.#subscriptions.find(uid, filter)];
    this.#histories.set(key, [...history, subscription]);
    this.#subscriptions.add(uid, subscription);
  }

  /** It stands. */
  confirm(uid: number, subscription: StoredSubscription): void {
    const key = keyOf(uid, subscription.filter);
    const history = this.#histories.get(key) ?? [];
    const at = history.indexOf(subscription);
    if (at >= 0) this.#keep(key, history.slice(at));
  }

  /** It does not stand. True if it was stored and is no more. */
  rollBack(uid: number, subscription: StoredSubscription): boolean {
    const { filter } = subscription;
    const key = keyOf(uid, filter);
    const history = this.#histories.get(key) ?? [];
    const left = history.filter((other) => other !== subscription);
    if (left.length === history.length) return false; // It was given up, or a later one stands.
    this.#keep(key, left);
    const stored = this.#subscriptions.find(uid, filter);
    // A later one is stored, or the session has ended.
    if (stored === null || history.at(-1) !== subscription) return false;
    const before = left.at(-1) ?? null;
    if (before === null) this.#subscriptions.remove(uid, filter);
    // A plain one has given the claim up.
    else this.#subscriptions.add(uid, { ...before, exclusive: before.exclusive && stored.exclusive });
    return true;
  }

  /** The session has given the filter up. */
  forget(uid: number, filter: string): void {
    this.#histories.delete(keyOf(uid, filter));
  }

  #keep(key: string, history: (StoredSubscription | null)[]): void {
    if (history.length > 1) this.#histories.set(key, history);
    else this.#histories.delete(key);
  }
}

function keyOf(uid: number, filter: string): string {
  return `${uid} ${filter}`;
}
