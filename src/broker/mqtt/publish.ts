// PUBLISH, MQTT 5.0 section 3.3, kept in its bytes: read into offsets, forwarded by copying and patching, never rebuilt.
// One from a client is read by readPublish, which checks it; here is how those are read that were checked before.

import { readU16, variableSize } from "./packet-bytes.ts";
import { PacketReader, variableHeaderOffset } from "./packet-reader.ts";
import type { QoS } from "./packets.ts";
import { allowedProperties, propertyIds, readProperties } from "./properties.ts";
import { trustedTopic } from "./topic-strings.ts";

/** A PUBLISH in MQTT 5.0 layout and the places of its parts. `bytes` is exactly the packet, fixed header included. */
export interface Publish {
  readonly type: "publish";
  readonly bytes: Uint8Array;
  readonly qos: QoS;
  readonly dup: boolean;
  readonly retain: boolean;
  /** Empty when a topic alias stands for it. */
  readonly topic: string;
  /** 0 at QoS 0. */
  readonly packetId: number;
  /** Where the two bytes of the packet id are; 0 at QoS 0. */
  readonly packetIdOffset: number;
  /** First byte of the properties, behind their length. */
  readonly propertiesOffset: number;
  /** First byte of the payload, which is also the end of the properties. */
  readonly payloadOffset: number;
  /** Where the four bytes of the Message Expiry Interval's value are; 0 if absent. */
  readonly expiryOffset: number;
  /** 0 if absent. */
  readonly topicAlias: number;
  /** The payload is said to be UTF-8. */
  readonly utf8Payload: boolean;
}

/** Bits of the first byte. */
export const publishFlags = { dup: 0x08, retain: 0x01 } as const;

/** Reads a PUBLISH of 5.0 layout that was checked before: the fast way. */
export function readTrustedPublish(packet: Uint8Array): Publish {
  const flags = packet[0] ?? 0;
  const qos = ((flags >> 1) & 3) as QoS;
  let at = variableHeaderOffset(packet);
  const topicEnd = at + 2 + readU16(packet, at);
  const topic = trustedTopic(packet, at + 2, topicEnd);
  at = topicEnd;
  let packetId = 0;
  let packetIdOffset = 0;
  if (qos !== 0) {
    packetIdOffset = at;
    packetId = readU16(packet, at);
    at += 2;
  }
  let length = packet[at] ?? 0;
  if (length >= 0x80) {
    const reader = new PacketReader(packet, at);
    length = reader.variable();
    at = reader.at;
  } else {
    at += 1;
  }
  return {
    type: "publish",
    bytes: packet,
    qos,
    dup: (flags & publishFlags.dup) !== 0,
    retain: (flags & publishFlags.retain) !== 0,
    topic,
    packetId,
    packetIdOffset,
    propertiesOffset: at,
    payloadOffset: at + length,
    expiryOffset: length === 0 ? 0 : findExpiry(packet, at, at + length),
    topicAlias: 0,
    utf8Payload: false,
  };
}

/** Place of the expiry's value among properties that were checked; 0: there is none. */
function findExpiry(packet: Uint8Array, from: number, end: number): number {
  let found = 0;
  readProperties(trustedProperties(packet, from, end), allowedProperties.publish, (id, _value, offset) => {
    if (id === propertyIds.messageExpiryInterval) found = offset;
  });
  return found;
}

/** A reader for the properties of a PUBLISH that was checked: it meets their length once more, right before them. */
export function trustedProperties(packet: Uint8Array, from: number, end: number): PacketReader {
  return new PacketReader(packet, from - variableSize(end - from), end);
}
