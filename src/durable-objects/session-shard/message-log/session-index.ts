// Which entries each session's queue holds. What happened since the log's tail was last laid down is in memory; what was
// before is in runs of blocks, each run a part of the log. A few runs are looked at for a session: the newest is merged
// with the one before while that is not more than twice as large. Where sessions have more entries than one such pile
// should hold, it is parted in two by sessions.

import { BoundedCache } from "../../../broker/bounded-cache.ts";
import type { Delta } from "./delta.ts";
import { insertEntry, mergeDeltas, noDelta, takeEntry } from "./delta.ts";
import type { Entry, Removal } from "./entry.ts";
import { compareEntries } from "./entry.ts";
import type { Part } from "./index-block.ts";
import { Block, BlockWriter } from "./index-block.ts";
import type { LogBounds } from "./log-bounds.ts";
import type { BlockTable, Pile, Run } from "./log-tables.ts";
import { mergeParts } from "./merge-parts.ts";
import { SessionLists } from "./session-lists.ts";

interface Fresh {
  readonly added: Entry[];
  readonly removed: Removal[];
}

export class SessionIndex {
  /** What the queues hold. */
  readonly lists: SessionLists;
  readonly #table: BlockTable;
  readonly #bounds: LogBounds;
  #piles: readonly Pile[];
  #nextBlock: number;
  /** Entries that may still be merged in this event. */
  #mergeable = 0;
  /** What happened since the last laying down, by session. */
  #fresh = new Map<number, Fresh>();
  readonly #blocks: BoundedCache<number, Block>;

  constructor(table: BlockTable, piles: readonly Pile[], nextBlock: number, bounds: LogBounds) {
    this.#table = table;
    this.#bounds = bounds;
    this.lists = new SessionLists(bounds, (session) => this.#list(session));
    this.#blocks = new BoundedCache(bounds.blockCacheBytes, ({ byteLength }) => byteLength);
    this.#piles = piles.length === 0 ? [{ first: 0, runs: [] }] : piles;
    this.#nextBlock = nextBlock;
  }

  get piles(): readonly Pile[] {
    return this.#piles;
  }

  get nextBlock(): number {
    return this.#nextBlock;
  }

  /** Whether blocks hold something. */
  get laidDown(): boolean {
    return this.#piles.some(({ runs }) => runs.length > 0);
  }

  /** A session's queue got an entry. */
  add(session: number, entry: Entry): void {
    insertEntry(this.#freshOf(session).added, entry);
    this.lists.add(session, entry);
  }

  /** Takes out an entry. Null: there is none of that number. */
  take(session: number, n: number): Entry | null {
    const entry = this.lists.first(session, n - 1, 1);
    if (entry?.n !== n) return null;
    this.remove(session, entry);
    return entry;
  }

  /** Takes out an entry that is there. */
  remove(session: number, removal: Removal): void {
    const fresh = this.#freshOf(session);
    if (!takeEntry(fresh.added, removal)) fresh.removed.push(removal);
    else if (fresh.added.length === 0 && fresh.removed.length === 0) this.#fresh.delete(session);
    this.lists.remove(session, removal);
  }

  /** Writes what happened since the last time as runs. Returns the blocks that nobody needs any more once `piles` is
   *  known. */
  layDown(): number[] {
    const fresh = Array.from(this.#freshParts());
    this.#fresh = new Map();
    const unneeded: number[] = [];
    this.#mergeable = this.#bounds.mergeEntries;
    const laid = new Map<Pile, readonly Pile[]>();
    // Those with the most runs first: whoever had to wait comes before who had not.
    const waiting = Array.from(this.#piles, (pile, i) => ({ pile, end: this.#piles[i + 1]?.first ?? Infinity }));
    for (const { pile, end } of waiting.sort((a, b) => b.pile.runs.length - a.pile.runs.length)) {
      const own = fresh.filter(([session]) => session >= pile.first && session < end);
      if (own.length > 0) laid.set(pile, this.#parted(this.#pile(pile, own, unneeded)));
    }
    this.#piles = this.#piles.flatMap((pile) => laid.get(pile) ?? [pile]);
    for (const block of unneeded) this.#blocks.delete(block);
    return unneeded;
  }

  /** Nothing is left of what there was. Returns the blocks that nobody needs any more. */
  clear(): number[] {
    const unneeded = this.#piles.flatMap(({ runs }) => runs.flatMap(({ blocks }) => blocks.map(([block]) => block)));
    this.#piles = [{ first: 0, runs: [] }];
    this.#fresh = new Map();
    this.lists.clear();
    this.#blocks.clear();
    return unneeded;
  }

  /** All sessions and their entries, one session after the other. */
  *all(): Generator<Part> {
    const fresh = Array.from(this.#freshParts());
    for (const [i, { first, runs }] of this.#piles.entries()) {
      const end = this.#piles[i + 1]?.first ?? Infinity;
      const own = fresh.filter(([session]) => session >= first && session < end);
      yield* mergeParts([...runs.map((run) => this.#parts(run)), own], true);
    }
  }

  /** Reads a session's entries. */
  #list(session: number): readonly Entry[] {
    let all: Delta = noDelta;
    const pile = this.#piles.findLast(({ first }) => first <= session);
    for (const run of pile?.runs ?? []) {
      for (const delta of this.#deltas(run, session)) all = mergeDeltas(all, delta, true);
    }
    const fresh = this.#fresh.get(session);
    return fresh === undefined ? all.added : mergeDeltas(all, sorted(fresh), true).added;
  }

  /** What a run has of a session. */
  #deltas({ blocks }: Run, session: number): Delta[] {
    let [low, high] = [0, blocks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((blocks[middle]?.[1] ?? 0) < session) low = middle + 1;
      else high = middle;
    }
    // It may have begun in the block before.
    const found: Delta[] = [];
    for (let i = Math.max(0, low - 1); i < blocks.length && (blocks[i]?.[1] ?? 0) <= session; i++) {
      found.push(...this.#block(blocks[i]?.[0] ?? 0).find(session));
    }
    return found;
  }

  #block(number: number): Block {
    const known = this.#blocks.get(number);
    if (known !== undefined) return known;
    const block = new Block(this.#table.block(number));
    this.#blocks.set(number, block);
    return block;
  }

  *#parts({ blocks }: Run): Generator<Part> {
    for (const [number] of blocks) yield* new Block(this.#table.block(number)).parts();
  }

  #freshOf(session: number): Fresh {
    const known = this.#fresh.get(session);
    if (known !== undefined) return known;
    const fresh: Fresh = { added: [], removed: [] };
    this.#fresh.set(session, fresh);
    return fresh;
  }

  #freshParts(): Iterable<Part> {
    const parts = Array.from(this.#fresh, ([session, fresh]): Part => [session, sorted(fresh)]);
    return parts.sort(([a], [b]) => a - b);
  }

  /** The pile with another part of the log on top. Not all piles are to be merged deep in one event: some wait. */
  #pile({ first, runs }: Pile, fresh: readonly Part[], unneeded: number[]): Pile {
    const own = fresh.reduce((sum, [, { added, removed }]) => sum + added.length + removed.length, 0);
    let size = own;
    let below = runs.length;
    for (let run = runs[below - 1]; run !== undefined && run.size <= 2 * size; run = runs[below - 1]) {
      if (size + run.size > 4 * own && this.#mergeable <= 0) break;
      size += run.size;
      below -= 1;
    }
    if (size > 4 * own) this.#mergeable -= size;
    const merged = runs.slice(below);
    const run = this.#write(mergeParts([...merged.map((each) => this.#parts(each)), fresh], below === 0));
    for (const { blocks } of merged) unneeded.push(...blocks.map(([block]) => block));
    const kept = runs.slice(0, below);
    return { first, runs: run.size === 0 ? kept : [...kept, run] };
  }

  #write(parts: Iterable<Part>): Run {
    const blocks: (readonly [number, number])[] = [];
    let size = 0;
    const writer = new BlockWriter(this.#bounds.blockBytes, (first, bytes) => {
      blocks.push([this.#nextBlock, first]);
      this.#table.insertBlock(this.#nextBlock++, bytes);
    });
    for (const [session, delta] of parts) {
      size += delta.added.length + delta.removed.length;
      writer.add(session, delta);
    }
    writer.finish();
    return { size, blocks };
  }

  /** Two piles, if it is too large for one. */
  #parted(pile: Pile): Pile[] {
    const [run, another] = pile.runs;
    if (run === undefined || another !== undefined || run.size <= this.#bounds.pileEntries) return [pile];
    const half = run.blocks.length >> 1;
    const [before, at] = [run.blocks[half - 1], run.blocks[half]];
    if (before === undefined || at === undefined) return [pile];
    const [, first] = at;
    if (first === pile.first || this.#block(before[0]).find(first).length > 0) return [pile]; // Next time, then.
    const size = Math.ceil(run.size / 2);
    return [
      { first: pile.first, runs: [{ size, blocks: run.blocks.slice(0, half) }] },
      { first, runs: [{ size, blocks: run.blocks.slice(half) }] },
    ];
  }
}

function sorted({ added, removed }: Fresh): Delta {
  return { added, removed: [...removed].sort(compareEntries) };
}
