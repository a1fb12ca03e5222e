// How a map of slots comes to a number of shards: the next move, until each shard has as many slots as any other, but for
// one. As few slots move as can be.

import type { SlotMap } from "./slot-map.ts";
import { SLOTS } from "./slots.ts";

/** Slots that one shard gives to another. */
export interface SlotMove {
  readonly from: number;
  readonly to: number;
  readonly slots: readonly number[];
}

/** The next move towards shards 0 to `shards - 1`, of at most `slotsMax` slots; null: none is left. */
export function nextMove(map: SlotMap, shards: number, slotsMax: number): SlotMove | null {
  const { from, to, slots } = step(ownedBy(map, shards), shards);
  if (slots === 0) return null;
  return { from, to, slots: map.slotsOf(from).slice(-Math.min(slots, slotsMax)) };
}

/** How many slots are still to move. */
export function slotsToMove(map: SlotMap, shards: number): number {
  const owned = ownedBy(map, shards);
  for (let sum = 0; ;) {
    const { from, to, slots } = step(owned, shards);
    if (slots === 0) return sum;
    sum += slots;
    owned.set(from, (owned.get(from) ?? 0) - slots);
    owned.set(to, (owned.get(to) ?? 0) + slots);
  }
}

function ownedBy(map: SlotMap, shards: number): Map<number, number> {
  const { sizes } = map;
  for (let shard = 0; shard < shards; shard++) if (!sizes.has(shard)) sizes.set(shard, 0);
  return sizes;
}

/** From which shard to which how many slots go next. */
function step(owned: ReadonlyMap<number, number>, shards: number): { from: number; to: number; slots: number } {
  const [least, most] = [Math.floor(SLOTS / shards), Math.ceil(SLOTS / shards)];
  const staying = Array.from(owned).filter(([shard]) => shard < shards);
  const [to, few] = staying.reduce((a, b) => (b[1] < a[1] ? b : a));
  const room = (few < least ? least : most) - few;
  const leaving = Array.from(owned).find(([shard, slots]) => shard >= shards && slots > 0);
  if (leaving !== undefined) return { from: leaving[0], to, slots: Math.min(leaving[1], room) };
  const [from, many] = staying.reduce((a, b) => (b[1] > a[1] ? b : a));
  const surplus = many > most ? many - most : few < least ? many - least : 0;
  return { from, to, slots: Math.min(surplus, room) };
}
