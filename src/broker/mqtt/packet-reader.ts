// A cursor over one packet's bytes that refuses whatever MQTT 5.0 section 1.5 calls malformed.

import { MqttError } from "./mqtt-error.ts";
import { reasonCodes } from "./reason-codes.ts";

const VARIABLE_BYTES_MAX = 4;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class PacketReader {
  readonly bytes: Uint8Array;
  at: number;
  /** Behind the last byte that may be read. */
  end: number;

  /** Reads `bytes` from `at` up to `end`. */
  constructor(bytes: Uint8Array, at: number, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.at++] ?? 0;
  }

  u16(): number {
    this.#need(2);
    const { bytes, at } = this;
    this.at += 2;
    return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** Variable Byte Integer, section 1.5.5; not minimal is malformed. [MQTT-1.5.5-1] */
  variable(): number {
    let value = 0;
    for (let i = 0; i < VARIABLE_BYTES_MAX; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) {
        if (i > 0 && byte === 0) throw malformed("a length is not minimal");
        return value;
      }
    }
    throw malformed("a length has more than four bytes");
  }

  /** UTF-8 Encoded String, section 1.5.4. [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-1.5.4-3] */
  utf8(): string {
    const bytes = this.binary();
    try {
      const text = strictUtf8.decode(bytes);
      if (!text.includes("\0")) return text;
    } catch {
      throw malformed("a string is not UTF-8");
    }
    throw malformed("a string contains U+0000");
  }

  /** Binary Data, section 1.5.6: a view into the packet. */
  binary(): Uint8Array {
    const length = this.u16();
    this.#need(length);
    const from = this.at;
    this.at += length;
    return this.bytes.subarray(from, this.at);
  }

  /** Nothing may follow. */
  expectEnd(): void {
    if (this.at !== this.end) throw malformed("bytes behind the end of a packet");
  }

  #need(count: number): void {
    if (this.at + count > this.end) throw malformed("a packet is cut short");
  }
}

export function malformed(message: string): MqttError {
  return new MqttError(reasonCodes.malformedPacket, message);
}

export function protocolError(message: string): MqttError {
  return new MqttError(reasonCodes.protocolError, message);
}

/** At the variable header of a packet whose first byte must be `first`. */
export function readerOf(packet: Uint8Array, first: number): PacketReader {
  if (packet[0] !== first) throw malformed("reserved flags are not as they must be"); // [MQTT-2.1.3-1]
  return new PacketReader(packet, variableHeaderOffset(packet));
}

/** Where a packet's variable header begins: behind the first byte and the Remaining Length. */
export function variableHeaderOffset(packet: Uint8Array): number {
  let at = 1;
  while ((packet[at] ?? 0) >= 0x80) at += 1;
  return at + 1;
}
