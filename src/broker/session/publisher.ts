// Who published a message, as a number that goes with it: it follows from the client id, so that a client is known as the
// same over its sessions and shards, and nothing has to be looked up.

/** Publisher of what no client published. */
export const NO_PUBLISHER = 0;

/** A client as a publisher: 1 to 2^52, another for each client id but for a chance of 1 in 2^52. */
export function publisherOf(clientId: string): number {
  // Two hashes of 32 bits that have nothing in common: their multipliers differ, so what collides in one does not in both.
  let [high, low] = [0x9e37_79b9, 0x811c_9dc5];
  for (let i = 0; i < clientId.length; i++) {
    const unit = clientId.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x85eb_ca6b);
    high ^= high >>> 15;
    low = Math.imul(low ^ unit, 0x0100_0193);
    low ^= low >>> 13;
  }
  high = mixed(high ^ clientId.length);
  low = mixed(low);
  return (high >>> 12) * 2 ** 32 + low + 1;
}

/** Every bit of the result depends on every bit of `value`. */
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x7feb_352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846c_a68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}
