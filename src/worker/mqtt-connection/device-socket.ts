// The device's WebSocket as the connection writes to it: packets in the device's version and within the size that it
// takes, a watch over what it does not read, and a close that never throws.

import { limits } from "../../broker/limits.ts";
import { variableHeaderOffset } from "../../broker/mqtt/packet-reader.ts";
import type { ConnackFields, ProtocolVersion } from "../../broker/mqtt/packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { writeAuth, writeConnack, writeDisconnect, writePingresp } from "../../broker/mqtt/server-packets.ts";

/** Close codes of the device's WebSocket, RFC 6455 section 7.4.1. */
export const webSocketClose = { normal: 1000, goingAway: 1001, protocolError: 1002, unsupportedData: 1003 } as const;

/** How a device takes what it is sent: in time; slowly, so that nothing more should come; not at all. */
export type Taking = "well" | "slowly" | "not";

const DISCONNECT = 0xe0;

export class DeviceSocket {
  readonly #socket: WebSocket;
  readonly #onGone: () => void;
  #version: ProtocolVersion = 5;
  /** Bytes. [MQTT-3.1.2-24] */
  #packetBytesMax = Infinity;
  #slowSince: number | null = null;
  #pongOwed = false;
  /** PINGRESPs since the last look. */
  #pongs = 0;

  /** `onGone`: a send found the socket closed. */
  constructor(socket: WebSocket, onGone: () => void) {
    this.#socket = socket;
    this.#onGone = onGone;
  }

  /** Bytes that were sent and that the device has not taken. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** How the device is to be spoken to, as its CONNECT says; `packetBytesMax` null: it takes any size. */
  learn(version: ProtocolVersion, packetBytesMax: number | null): void {
    this.#version = version;
    this.#packetBytesMax = packetBytesMax ?? Infinity;
  }

  send(bytes: Uint8Array): void {
    try {
      this.#socket.send(bytes);
    } catch {
      this.#onGone();
    }
  }

  /** CONNACK. False: it is larger than what the client takes, even without what may be left out, and was not sent. */
  connack(fields: ConnackFields): boolean {
    let packet = writeConnack(fields, this.#version);
    if (packet.length > this.#packetBytesMax) {
      const { reasonString: _, responseInformation: __, ...rest } = fields;
      packet = writeConnack(rest, this.#version); // [MQTT-3.2.2-19]
    }
    if (packet.length > this.#packetBytesMax) return false;
    this.send(packet);
    return true;
  }

  /** AUTH. False: it is larger than what the client takes, and was not sent. */
  auth(reasonCode: ReasonCode, method: string, data: string): boolean {
    const packet = writeAuth(reasonCode, method, data);
    if (packet.length > this.#packetBytesMax) return false;
    this.send(packet);
    return true;
  }

  /** DISCONNECT with a reason; before 5.0 there is none. */
  disconnect(reasonCode: ReasonCode, reasonString: string): void {
    if (this.#version === 5) this.passDisconnect(writeDisconnect(reasonCode, 5, reasonString));
  }

  /** Sends a DISCONNECT of 5.0 as it is, without its properties if it is too large, or not at all before 5.0. */
  passDisconnect(packet: Uint8Array): void {
    if (this.#version < 5) return;
    const fits = packet.length <= this.#packetBytesMax;
    this.send(fits ? packet : Uint8Array.of(DISCONNECT, 1, disconnectReasonOf(packet))); // [MQTT-3.14.2-3]
  }

  /** PINGRESP. One that reads nothing gets one answer when it reads again, however often it asks; so does one that asks
   *  out of measure, since a frame may hold millions of PINGREQs. */
  pong(): void {
    if (this.#slowSince === null && this.#pongs < limits.pongsAtOnce) {
      this.#pongs += 1;
      this.send(writePingresp()); // [MQTT-3.12.4-1]
    } else this.#pongOwed = true;
  }

  /** Judges by what is buffered; `now` in milliseconds. `scarce`: too much waits in this isolate, and who does not read
   *  is given less of it, for a shorter time. */
  taking(bufferedBytes: number, now: number, scarce = false): Taking {
    if (bufferedBytes <= (scarce ? limits.outboundBufferedBytesScarce : limits.outboundBufferedBytes)) {
      this.#slowSince = null;
      this.#pongs = 0;
      if (this.#pongOwed) {
        this.#pongOwed = false;
        this.pong();
      }
      return "well";
    }
    this.#slowSince ??= now;
    const tooMuch = bufferedBytes > limits.outboundBufferedBytesHard;
    const stalledMs = scarce ? limits.outboundStalledMsScarce : limits.outboundStalledMs;
    return tooMuch || now - this.#slowSince > stalledMs ? "not" : "slowly";
  }

  close(code: number): void {
    try {
      this.#socket.close(code, "");
    } catch {
      // It is gone already.
    }
  }
}

/** Reason code of a server's DISCONNECT. */
export function disconnectReasonOf(packet: Uint8Array): number {
  return packet[variableHeaderOffset(packet)] ?? 0;
}
