// Whole packets that stand one behind the other, as link frames hold them.

/** Where the packet ends that begins at `at`. Throws a RangeError if it is cut: a bug of ours. */
export function packetEnd(bytes: Uint8Array, at: number): number {
  let length = 0;
  let shift = 1;
  let place = at + 1;
  let byte = 0x80;
  while (byte >= 0x80) {
    byte = bytes[place++] ?? 0;
    length += (byte & 0x7f) * shift;
    shift *= 0x80;
  }
  const end = place + length;
  if (end > bytes.length) throw new RangeError("a link frame holds a cut packet");
  return end;
}

/** Visits each packet in `bytes` from `offset` as a view. Throws a RangeError if the last one is cut. */
export function forEachPacket(bytes: Uint8Array, offset: number, visit: (packet: Uint8Array) => void): void {
  let at = offset;
  while (at < bytes.length) {
    const end = packetEnd(bytes, at);
    visit(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    at = end;
  }
}
