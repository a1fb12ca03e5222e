// Which slots move together: as many as are copied and adopted in a moment, since publishing waits meanwhile.

/** How many that are too large are passed over: to weigh one takes its time too. */
const PASSED_OVER = 8;

/** What is stored of one slot, or as much of it as is beyond the bounds. */
export interface SlotWeight {
  readonly slot: number;
  readonly bytes: number;
  readonly rows: number;
}

/** In the order in which they are given, while they are within the bounds. One that is beyond them by itself takes long: it
 *  moves when no other is found, and then alone. */
export function chooseSlots(
  weights: Iterable<SlotWeight>,
  { count, bytes: bytesMax, rows: rowsMax }: { count: number; bytes: number; rows: number },
): number[] {
  const chosen: number[] = [];
  const large: number[] = [];
  let [bytes, rows] = [0, 0];
  for (const weight of weights) {
    if (weight.bytes > bytesMax || weight.rows > rowsMax) {
      large.push(weight.slot);
      if (large.length >= PASSED_OVER) break;
      continue;
    }
    bytes += weight.bytes;
    rows += weight.rows;
    if (chosen.length >= count || bytes > bytesMax || rows > rowsMax) break;
    chosen.push(weight.slot);
  }
  if (chosen.length === 0) return large.slice(0, 1);
  return chosen.sort((a, b) => a - b);
}
