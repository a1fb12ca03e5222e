// Room for packets that are on their way and gone with this event or the next: cut from one block after the other, since
// a buffer of its own costs more than all else that is done to a small packet. Whoever keeps one copies it.

const BLOCK_BYTES = 8 * 1_024;
/** Larger ones have a buffer of their own. */
const CUT_BYTES_MAX = 1_024;

let block = new Uint8Array(BLOCK_BYTES);
let used = 0;

/** Room for a packet of `length` bytes, which holds nothing of anybody's. */
export function packetRoom(length: number): Uint8Array {
  if (length > CUT_BYTES_MAX) return new Uint8Array(length);
  if (used + length > BLOCK_BYTES) {
    block = new Uint8Array(BLOCK_BYTES);
    used = 0;
  }
  const from = used;
  used += length;
  return block.subarray(from, used);
}
