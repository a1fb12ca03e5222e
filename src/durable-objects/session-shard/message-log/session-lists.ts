// What is known of sessions' queues without a look at the index: of each a stretch of its list, from the entry on that is
// asked for next. Who drops the oldest message of a full queue, or sends a queue, needs a few entries at a time, and the
// list is read again when these are used up, not for each of them. Where memory is short, stretches become shorter; when
// they are as short as may be, the least recently used is forgotten.

import { insertEntry, placeOf, takeEntry } from "./delta.ts";
import type { Entry, Removal } from "./entry.ts";
import type { LogBounds } from "./log-bounds.ts";

/** What a stretch weighs besides its entries. */
const STRETCH_WEIGHT = 8;
/** To which part of the bound they are brought down, when it is met. */
const RELIEVED = 7 / 8;
const ALL = Number.MAX_SAFE_INTEGER;

/** All entries of a session with numbers behind `after` and up to `upTo`, in order. */
interface Stretch {
  readonly after: number;
  upTo: number;
  readonly entries: Entry[];
}

export class SessionLists {
  readonly #stretches = new Map<number, Stretch>();
  readonly #max: number;
  readonly #least: number;
  readonly #load: (session: number) => readonly Entry[];
  #weight = 0;

  /** `load` reads a session's list. */
  constructor(
    { listEntries, stretchEntries }: Pick<LogBounds, "listEntries" | "stretchEntries">,
    load: (session: number) => readonly Entry[],
  ) {
    this.#max = listEntries;
    this.#least = stretchEntries;
    this.#load = load;
  }

  /** A session's entries, in order: not to be changed, and good until the next change. */
  all(session: number): readonly Entry[] {
    return this.#stretch(session, -1, ALL, ALL).entries;
  }

  /** Up to `limit` entries of a session behind number `after`. */
  read(session: number, after: number, limit: number): Entry[] {
    const { entries } = this.#stretch(session, after, limit, limit);
    const from = placeOf(entries, after + 1);
    return entries.slice(from, from + limit);
  }

  /** The first entry of a session behind number `after`, where so many of them are wanted. Null: there is none. */
  first(session: number, after: number, wanted: number): Entry | null {
    const { entries } = this.#stretch(session, after, 1, wanted);
    return entries[placeOf(entries, after + 1)] ?? null;
  }

  /** A session's list got an entry. */
  add(session: number, entry: Entry): void {
    const known = this.#get(session);
    if (known === undefined || !covers(known, entry)) return;
    insertEntry(known.entries, entry);
    this.#grown(session, 1);
  }

  /** A session's list lost an entry. */
  remove(session: number, removal: Removal): void {
    const known = this.#get(session);
    if (known === undefined || !covers(known, removal)) return;
    if (takeEntry(known.entries, removal)) this.#weight -= 1;
  }

  clear(): void {
    this.#stretches.clear();
    this.#weight = 0;
  }

  /** What is known of a session's list: at least `needed` entries behind number `after`, if there are as many; `wanted`, if
   *  the list must be read. */
  #stretch(session: number, after: number, needed: number, wanted: number): Stretch {
    const known = this.#get(session);
    if (known !== undefined && known.after <= after) {
      if (known.upTo === Infinity || known.entries.length - placeOf(known.entries, after + 1) >= needed) return known;
    }
    const list = this.#load(session);
    const at = placeOf(list, after + 1);
    // What was known right before stays: it was sent, and is to be acknowledged.
    const joins = known !== undefined && known.after <= after && after <= known.upTo;
    const from = joins ? placeOf(list, known.after + 1) : at;
    const end = this.#end(session, list, at, wanted);
    const stretch = { after: list[from - 1]?.n ?? -1, upTo: lastOf(list, end), entries: list.slice(from, end) };
    if (known !== undefined) this.#forget(session, known);
    this.#remember(session, stretch);
    return stretch;
  }

  #get(session: number): Stretch | undefined {
    const stretch = this.#stretches.get(session);
    if (stretch === undefined || this.#weight < this.#max / 2) return stretch;
    this.#stretches.delete(session);
    this.#stretches.set(session, stretch);
    return stretch;
  }

  #remember(session: number, stretch: Stretch): void {
    this.#stretches.set(session, stretch);
    this.#grown(session, STRETCH_WEIGHT + stretch.entries.length);
  }

  /** A session's stretch has so many entries more: others make room. */
  #grown(session: number, entries: number): void {
    this.#weight += entries;
    if (this.#weight <= this.#max) return;
    for (const [other, stretch] of this.#stretches) if (other !== session) this.#shorten(other, stretch);
    for (const [oldest, stretch] of this.#stretches) {
      if (this.#weight <= this.#max * RELIEVED) return;
      if (oldest !== session) this.#forget(oldest, stretch);
    }
  }

  /** Forgets the end, which is asked for last. */
  #shorten(session: number, stretch: Stretch): void {
    const { entries } = stretch;
    const end = this.#end(session, entries, 0, 1);
    if (end === entries.length) return;
    stretch.upTo = lastOf(entries, end);
    this.#weight -= entries.length - end;
    entries.length = end;
  }

  #forget(session: number, { entries }: Stretch): void {
    this.#stretches.delete(session);
    this.#weight -= STRETCH_WEIGHT + entries.length;
  }

  /** Where a stretch from place `at` on ends: each has its part of half of what there may be. Queues that get the same
   *  messages must not be used up with the same one, so the number of the last entry depends on the session. */
  #end(session: number, list: readonly Entry[], at: number, wanted: number): number {
    const length = Math.max(this.#least, Math.floor(this.#max / 2 / (this.#stretches.size + 1)));
    const most = at + Math.max(length, wanted);
    if (most >= list.length) return list.length;
    let end = Math.max(most - (((list[most - 1]?.n ?? 0) + session) % length), at + wanted);
    while (end < list.length && list[end]?.n === list[end - 1]?.n) end += 1; // Those of one number stay together.
    return end;
  }
}

/** Up to which number a list is known of which one knows the first `end` entries. */
function lastOf(list: readonly Entry[], end: number): number {
  return end === list.length ? Infinity : (list[end - 1]?.n ?? -1);
}

function covers({ after, upTo }: Stretch, { n }: Removal): boolean {
  return after < n && n <= upTo;
}
