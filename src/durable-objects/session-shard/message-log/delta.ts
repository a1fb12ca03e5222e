// What happened to one session's queue over a part of the log: entries that came, and entries of before that went. Parts
// that follow one another are merged into one; of all of them together what came is what the queue holds.

import type { Entry, Removal } from "./entry.ts";
import { compareEntries } from "./entry.ts";

/** Both in the order of entries. */
export interface Delta {
  readonly added: readonly Entry[];
  readonly removed: readonly Removal[];
}

export const noDelta: Delta = { added: [], removed: [] };

/** Two parts as one. `first`: there is nothing before the older, so that nothing of it can have gone. */
export function mergeDeltas(older: Delta, newer: Delta, first: boolean): Delta {
  const removed: Removal[] = [];
  const added = newer.removed.length === 0 ? older.added : without(older.added, newer.removed, removed);
  return {
    added: mergeSorted(added, newer.added),
    removed: first ? noDelta.removed : mergeSorted(older.removed, removed),
  };
}

/** Puts an entry into its place. */
export function insertEntry(entries: Entry[], entry: Entry): void {
  const place = placeOf(entries, entry.n);
  if (place === entries.length) entries.push(entry);
  else entries.splice(place, 0, entry);
}

/** Takes out an entry. False: it is not there. */
export function takeEntry(entries: Entry[], { n, message }: Removal): boolean {
  for (let place = placeOf(entries, n); entries[place]?.n === n; place++) {
    if (entries[place]?.message !== message) continue;
    if (place === 0) entries.shift();
    else entries.splice(place, 1);
    return true;
  }
  return false;
}

/** Where number `n` stands, or would stand. */
export function placeOf(entries: readonly Removal[], n: number): number {
  let [low, high] = [0, entries.length];
  // Mostly it is behind all others, or the first.
  if (high === 0 || (entries[high - 1]?.n ?? 0) < n) return high;
  if ((entries[0]?.n ?? 0) >= n) return 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.n ?? 0) < n) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `missing` gets what is not among the entries. */
function without(entries: readonly Entry[], removals: readonly Removal[], missing: Removal[]): Entry[] {
  const left: Entry[] = [];
  let at = 0;
  for (const removal of removals) {
    for (let entry = entries[at]; entry !== undefined && compareEntries(entry, removal) < 0; entry = entries[++at]) {
      left.push(entry);
    }
    const entry = entries[at];
    if (entry !== undefined && compareEntries(entry, removal) === 0) at += 1;
    else missing.push(removal);
  }
  while (at < entries.length) {
    const entry = entries[at++];
    if (entry !== undefined) left.push(entry);
  }
  return left;
}

function mergeSorted<Each extends Removal>(older: readonly Each[], newer: readonly Each[]): readonly Each[] {
  const [last, next] = [older.at(-1), newer[0]];
  if (last === undefined) return newer;
  if (next === undefined) return older;
  const all = [...older, ...newer];
  return compareEntries(last, next) < 0 ? all : all.sort(compareEntries);
}
