// What the queues of some sessions hold, in the order of their entries, as far as memory allows: the least recently used
// is forgotten, and read again from the index.

import type { Entry } from "./entry.ts";

/** What a list weighs besides its entries. */
const LIST_WEIGHT = 8;

export class SessionLists {
  readonly #lists = new Map<number, Entry[]>();
  readonly #max: number;
  #weight = 0;

  /** `max`: entries of all lists. */
  constructor(max: number) {
    this.#max = max;
  }

  /** A session's list; who changes it says so by `grown`. */
  get(session: number): Entry[] | undefined {
    const list = this.#lists.get(session);
    if (list === undefined || this.#weight < this.#max / 2) return list;
    this.#lists.delete(session);
    this.#lists.set(session, list);
    return list;
  }

  set(session: number, list: Entry[]): void {
    this.#lists.set(session, list);
    this.#weight += LIST_WEIGHT + list.length;
    this.#forgetOthers(session);
  }

  /** A session's list has so many entries more. */
  grown(session: number, entries: number): void {
    this.#weight += entries;
    this.#forgetOthers(session);
  }

  #forgetOthers(session: number): void {
    for (const [oldest, { length }] of this.#lists) {
      if (this.#weight <= this.#max || oldest === session) return;
      this.#lists.delete(oldest);
      this.#weight -= LIST_WEIGHT + length;
    }
  }
}
