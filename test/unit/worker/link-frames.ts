// What travels over a link, made and read by hand.

import type { QoS } from "../../../src/broker/mqtt/packets.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { forEachPacket } from "../../../src/broker/mqtt/split-packets.ts";
import { LINK_HEADER_BYTES, LINK_VERSION } from "../../../src/contracts/link.ts";

export const PUBACK = Uint8Array.of(0x40, 2, 0, 1);
export const UNSUBSCRIBE = Uint8Array.of(0xa2, 6, 0, 2, 0, 0, 1, 97);

/** A PUBLISH of that size whose last byte is `mark`. */
export function publish(bytes: number, mark = 0, qos: QoS = 1): Uint8Array {
  const fields = { topic: "t", qos, retain: false, packetId: qos, properties: new Uint8Array() };
  const overhead = writePublish({ ...fields, payload: new Uint8Array(bytes) }).length - bytes;
  const packet = writePublish({ ...fields, payload: new Uint8Array(bytes - overhead).fill(mark) });
  if (packet.length !== bytes) throw new RangeError("a length on the border of its encoding");
  return packet;
}

/** A data frame. */
export function frame(credit: number, ...packets: Uint8Array[]): Uint8Array {
  const header = Uint8Array.of(LINK_VERSION, credit >>> 24, credit >>> 16, credit >>> 8, credit);
  return Uint8Array.from([header, ...packets].flatMap((part) => [...part]));
}

/** The packets of all data frames, in order. */
export function packetsIn(sent: readonly (Uint8Array | string)[]): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (const each of sent) {
    if (typeof each !== "string") forEachPacket(each, LINK_HEADER_BYTES, (packet) => packets.push(packet.slice()));
  }
  return packets;
}
