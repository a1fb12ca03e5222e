// Bytes written and read one value after the other. Whole numbers take as few bytes as they need, seven bits in each.

const FIRST_CAPACITY = 256;
const FLOAT_BYTES = 8;
const NUMBER_BYTES_MAX = 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class ByteWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void {
    this.#reserve(NUMBER_BYTES_MAX);
    let rest = value;
    for (; rest >= 0x8000_0000; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  /** A whole number of either sign, below 2^52. */
  difference(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  float(value: number): void {
    this.#reserve(FLOAT_BYTES);
    this.#view.setFloat64(this.#length, value);
    this.#length += FLOAT_BYTES;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Bytes behind their length. */
  sized(bytes: Uint8Array): void {
    this.number(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    this.sized(encoder.encode(text));
  }

  /** Takes back what is behind the first `length` bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** What was written, in a buffer of its own. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Throws a RangeError behind the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  byte(): number {
    return this.#view.getUint8(this.at++);
  }

  number(): number {
    const first = this.#bytes[this.at++] ?? 0x80;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let factor = 0x80; ; factor *= 0x80) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw new RangeError("cut bytes");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  difference(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  float(): number {
    const value = this.#view.getFloat64(this.at);
    this.at += FLOAT_BYTES;
    return value;
  }

  /** Passes over bytes behind their length. Returns where they begin. */
  sized(): number {
    const length = this.number();
    const from = this.at;
    if (from + length > this.end) throw new RangeError("cut bytes");
    this.at = from + length;
    return from;
  }

  text(): string {
    const from = this.sized();
    return decoder.decode(this.#bytes.subarray(from, this.at));
  }
}
