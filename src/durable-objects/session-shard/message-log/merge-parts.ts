// Runs of the index merged into one, session by session, without having all of them in memory.

import type { Delta } from "./delta.ts";
import { mergeDeltas } from "./delta.ts";
import type { Part } from "./index-block.ts";

interface Source {
  readonly parts: Iterator<Part>;
  next: Part | undefined;
}

/** Merges runs that are sorted by session, the oldest first. `first`: there is nothing before them. Leaves out sessions of
 *  which nothing is left. */
export function* mergeParts(runs: readonly Iterable<Part>[], first: boolean): Generator<Part> {
  const sources = runs.map((run): Source => {
    const parts = run[Symbol.iterator]();
    return { parts, next: nextOf(parts) };
  });
  for (;;) {
    let session = Infinity;
    for (const { next } of sources) if (next !== undefined && next[0] < session) session = next[0];
    if (session === Infinity) return;
    let merged: Delta | null = null;
    for (const source of sources) {
      // A session may have several parts in one run.
      for (let part = source.next; part?.[0] === session; part = source.next) {
        merged = merged === null ? part[1] : mergeDeltas(merged, part[1], first);
        source.next = nextOf(source.parts);
      }
    }
    if (merged === null) continue;
    const delta = first && merged.removed.length > 0 ? { added: merged.added, removed: [] } : merged;
    if (delta.added.length > 0 || delta.removed.length > 0) yield [session, delta];
  }
}

function nextOf(parts: Iterator<Part>): Part | undefined {
  const { done, value } = parts.next();
  return done === true ? undefined : value;
}
