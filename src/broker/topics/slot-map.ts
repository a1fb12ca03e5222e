// Which shard has each slot. A map begins even and is changed a move at a time; it is written as runs, since neighbours
// mostly have the same shard.

import { SLOTS } from "./slots.ts";

/** From slot 0 on: a shard, and how many slots in a row are its. All together are SLOTS. */
export type SlotRuns = readonly (readonly [shard: number, slots: number])[];

export class SlotMap {
  readonly #shards: Uint16Array;

  private constructor(shards: Uint16Array) {
    this.#shards = shards;
  }

  /** As a deployment with so many shards begins: each has as many neighbours as any other, but for one. */
  static even(shards: number): SlotMap {
    return new SlotMap(Uint16Array.from({ length: SLOTS }, (_, slot) => Math.floor((slot * shards) / SLOTS)));
  }

  /** Throws a RangeError if the runs are not SLOTS in all. */
  static of(runs: SlotRuns): SlotMap {
    const shards = runs.flatMap(([shard, slots]) => Array.from({ length: slots }, () => shard));
    if (shards.length !== SLOTS) throw new RangeError(`${shards.length} slots instead of ${SLOTS}`);
    return new SlotMap(Uint16Array.from(shards));
  }

  /** The shard that has a slot. */
  shardOf(slot: number): number {
    return this.#shards[slot] ?? 0;
  }

  /** Shards that have any slot, in the order of their indexes. */
  get shards(): readonly number[] {
    return Array.from(this.sizes.keys()).sort((a, b) => a - b);
  }

  /** How many slots each shard has that has any. */
  get sizes(): Map<number, number> {
    const sizes = new Map<number, number>();
    for (const shard of this.#shards) sizes.set(shard, (sizes.get(shard) ?? 0) + 1);
    return sizes;
  }

  /** The slots of a shard, in their order. */
  slotsOf(shard: number): number[] {
    return Array.from(this.#shards.keys()).filter((slot) => this.#shards[slot] === shard);
  }

  /** Whether a shard has any of these slots. */
  hasAny(shard: number, slots: readonly number[]): boolean {
    return slots.some((slot) => this.shardOf(slot) === shard);
  }

  /** The same map, but for these slots, which a shard has now. */
  moved(slots: readonly number[], shard: number): SlotMap {
    const shards = this.#shards.slice();
    for (const slot of slots) shards[slot] = shard;
    return new SlotMap(shards);
  }

  get runs(): SlotRuns {
    const runs: [number, number][] = [];
    for (const shard of this.#shards) {
      const last = runs.at(-1);
      if (last?.[0] === shard) last[1] += 1;
      else runs.push([shard, 1]);
    }
    return runs;
  }
}
