// Integers and copies in the bytes of packets, MQTT 5.0 section 1.5. Reading what is not trusted is PacketReader's.

export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
}

/** Bytes of a Variable Byte Integer. */
export function variableSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

/** Writes a Variable Byte Integer. Returns where it ends. */
export function writeVariable(bytes: Uint8Array, at: number, value: number): number {
  let left = value;
  let place = at;
  while (left >= 0x80) {
    bytes[place++] = (left & 0x7f) | 0x80;
    left = Math.floor(left / 0x80);
  }
  bytes[place] = left;
  return place + 1;
}

/** Writes the fixed header: the first byte and the Remaining Length. Returns where the variable header begins. */
export function writeHead(packet: Uint8Array, first: number, rest: number): number {
  packet[0] = first;
  return writeVariable(packet, 1, rest);
}

/** Up to so many bytes a loop is faster than a view and a call. */
const LOOP_BYTES_MAX = 128;

/** Copies `from[start..end)` to `to` at `at`. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > LOOP_BYTES_MAX) {
    to.set(from.subarray(start, end), at);
    return;
  }
  for (let i = start, place = at; i < end; i++, place++) to[place] = from[i] ?? 0;
}
