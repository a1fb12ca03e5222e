// A client's bytes to whole packets: a WebSocket frame may hold several packets, and a packet may span several frames.
// [MQTT-6.0.0-2]

import { MqttError } from "./mqtt-error.ts";
import { malformed, protocolError } from "./packet-reader.ts";
import { reasonCodes } from "./reason-codes.ts";

const LENGTH_BYTES_MAX = 4;
const FIRST_TYPE = 0x10;
const INITIAL_BYTES = 1_024;

export class FrameAssembler {
  readonly #packetBytesMax: number;
  /** What is there of a packet that is not whole; `#held` bytes count. */
  #partial = new Uint8Array();
  #held = 0;

  /** `packetBytesMax`: the largest packet that is taken, fixed header included. */
  constructor(packetBytesMax: number) {
    this.#packetBytesMax = packetBytesMax;
  }

  /** Bytes of an unfinished packet. */
  get heldBytes(): number {
    return this.#held;
  }

  /** Visits the packets that are whole now, in order, as views into `chunk` where they lie whole in it; nothing is made
   *  for those to come, since a frame may hold millions. `visit` returns false to have the rest thrown away. Throws
   *  MqttError, behind the visits to what was right before it. */
  push(chunk: Uint8Array, visit: (packet: Uint8Array) => boolean): void {
    let at = 0;
    if (this.#held > 0) {
      at = this.#fill(chunk);
      const packet = this.#takeWhole();
      if (packet !== null && !visit(packet)) return;
    }
    while (at < chunk.length) {
      const size = this.#sizeOf(chunk, at, chunk.length);
      if (size === null || at + size > chunk.length) {
        this.#hold(chunk.subarray(at), size);
        break;
      }
      const packet = size === chunk.length ? chunk : chunk.subarray(at, at + size);
      if (!visit(packet)) return;
      at += size;
    }
  }

  /** Goes on with the packet that was cut; returns how much of the chunk it took. */
  #fill(chunk: Uint8Array): number {
    let at = 0;
    let size = this.#sizeOf(this.#partial, 0, this.#held);
    while (size === null && at < chunk.length) {
      this.#hold(chunk.subarray(at, at + 1), null);
      at += 1;
      size = this.#sizeOf(this.#partial, 0, this.#held);
    }
    if (size === null) return at;
    const end = Math.min(chunk.length, at + size - this.#held);
    this.#hold(chunk.subarray(at, end), size);
    return end;
  }

  /** The packet that was cut, if it is whole now. */
  #takeWhole(): Uint8Array | null {
    const size = this.#sizeOf(this.#partial, 0, this.#held);
    if (size === null || this.#held < size) return null;
    const packet = this.#partial.slice(0, size);
    this.#held = 0;
    if (this.#partial.length > INITIAL_BYTES) this.#partial = new Uint8Array();
    return packet;
  }

  /** Size of the packet that begins at `at`, or null while its length is not whole. */
  #sizeOf(bytes: Uint8Array, at: number, end: number): number | null {
    // Nothing of it needs to be awaited. Section 2.1.2.
    if (at < end && (bytes[at] ?? 0) < FIRST_TYPE) throw protocolError("packet type 0");
    let length = 0;
    for (let i = 1; i <= LENGTH_BYTES_MAX; i++) {
      if (at + i >= end) return null;
      const byte = bytes[at + i] ?? 0;
      length += (byte & 0x7f) * 2 ** (7 * (i - 1));
      if (byte < 0x80) {
        if (i > 1 && byte === 0) throw malformed("a length is not minimal"); // [MQTT-1.5.5-1]
        return this.#checked(1 + i + length);
      }
    }
    throw malformed("a length has more than four bytes");
  }

  #checked(size: number): number {
    if (size <= this.#packetBytesMax) return size;
    throw new MqttError(reasonCodes.packetTooLarge, `a packet of more than ${this.#packetBytesMax} bytes`);
  }

  /** Keeps bytes of an unfinished packet. Room doubles, so a feeder of single bytes costs no more than another. */
  #hold(bytes: Uint8Array, size: number | null): void {
    const needed = this.#held + bytes.length;
    if (needed > this.#partial.length) {
      const room = Math.max(needed, this.#partial.length * 2, INITIAL_BYTES);
      const grown = new Uint8Array(size === null ? room : Math.min(room, Math.max(size, needed)));
      grown.set(this.#partial.subarray(0, this.#held));
      this.#partial = grown;
    }
    this.#partial.set(bytes, this.#held);
    this.#held = needed;
  }
}
