// What the shard sends to a client, brought to the client's version. A 5.0 client gets the bytes as they are.

import { PacketReader, variableHeaderOffset } from "../../broker/mqtt/packet-reader.ts";
import type { ProtocolVersion } from "../../broker/mqtt/packets.ts";
import { toVersion3 } from "../../broker/mqtt/rewrite-publish.ts";
import { writeSuback, writeUnsuback } from "../../broker/mqtt/server-packets.ts";
import { forEachPacket } from "../../broker/mqtt/split-packets.ts";
import { writeAcknowledgement } from "../../broker/mqtt/acknowledgement.ts";

const types = {
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  suback: 9,
  unsuback: 11,
  disconnect: 14,
} as const;
const REFUSED = 0x80;

export interface Outbound {
  /** Bytes for the client, one frame, without a DISCONNECT. */
  readonly bytes: Uint8Array;
  /** Packets in it. */
  readonly packets: number;
  /** The connection ends behind these bytes. */
  readonly ends: boolean;
  /** The shard's DISCONNECT that ends it, as it came; null: what ends it has no word in the client's version. */
  readonly disconnect: Uint8Array | null;
}

/** `packets` as a link frame holds them, for a client of `version`; `problemInformation` false: it wants no Reason String
 *  and no User Property but where it cannot be spared them. */
export function translate(packets: Uint8Array, version: ProtocolVersion, problemInformation = true): Outbound {
  if (version === 5 && problemInformation) return scan(packets);
  return translated(packets, version === 5 ? bare : (packet) => translateOne(packet, version));
}

function scan(packets: Uint8Array): Outbound {
  let count = 0;
  let length = 0;
  let disconnect: Uint8Array | null = null;
  forEachPacket(packets, 0, (packet) => {
    if (disconnect !== null) return;
    if (typeOf(packet) === types.disconnect) {
      disconnect = packet;
      return;
    }
    count += 1;
    length += packet.length;
  });
  const bytes = disconnect === null ? packets : packets.subarray(0, length);
  return { bytes, packets: count, ends: disconnect !== null, disconnect };
}

/** `translateEach` null: the connection ends there. */
function translated(packets: Uint8Array, translateEach: (packet: Uint8Array) => Uint8Array | null): Outbound {
  const parts: Uint8Array[] = [];
  let length = 0;
  let ends = false;
  let disconnect: Uint8Array | null = null;
  forEachPacket(packets, 0, (packet) => {
    if (ends) return;
    const part = translateEach(packet);
    if (part === null) {
      ends = true;
      if (typeOf(packet) === types.disconnect) disconnect = packet;
      return;
    }
    parts.push(part);
    length += part.length;
  });
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, packets: parts.length, ends, disconnect };
}

/** A packet of 5.0 for a client that did not request problem information: Reason String and User Properties, all that
 *  these packets can have, stay in PUBLISH, CONNACK and DISCONNECT alone. [MQTT-3.1.2-29] */
function bare(packet: Uint8Array): Uint8Array | null {
  switch (typeOf(packet)) {
    case types.puback:
      return writeAcknowledgement("puback", packetIdOf(packet), reasonOf(packet), 5);
    case types.pubrec:
      return writeAcknowledgement("pubrec", packetIdOf(packet), reasonOf(packet), 5);
    case types.pubrel:
      return writeAcknowledgement("pubrel", packetIdOf(packet), reasonOf(packet), 5);
    case types.pubcomp:
      return writeAcknowledgement("pubcomp", packetIdOf(packet), reasonOf(packet), 5);
    case types.suback:
      return writeSuback(packetIdOf(packet), codesOf(packet), 5);
    case types.unsuback:
      return writeUnsuback(packetIdOf(packet), codesOf(packet), 5);
    case types.disconnect:
      return null;
    default:
      return packet;
  }
}

/** Null: this version has no word for it, so the connection is closed. */
function translateOne(packet: Uint8Array, version: ProtocolVersion): Uint8Array | null {
  switch (typeOf(packet)) {
    case types.publish:
      return toVersion3(packet);
    case types.suback:
      return writeSuback(packetIdOf(packet), codesOf(packet), version);
    case types.unsuback:
      return writeUnsuback(packetIdOf(packet), [], version);
    case types.puback:
    case types.pubrec:
      // A publish that is refused has no answer before 5.0. [MQTT311-4.8.0-2]
      if (reasonOf(packet) >= REFUSED) return null;
      return writeAcknowledgement(
        typeOf(packet) === types.puback ? "puback" : "pubrec",
        packetIdOf(packet),
        0,
        version,
      );
    case types.pubrel:
    case types.pubcomp:
      return writeAcknowledgement(
        typeOf(packet) === types.pubrel ? "pubrel" : "pubcomp",
        packetIdOf(packet),
        0,
        version,
      );
    case types.disconnect:
      return null;
    default:
      return packet;
  }
}

function typeOf(packet: Uint8Array): number {
  return (packet[0] ?? 0) >> 4;
}

function packetIdOf(packet: Uint8Array): number {
  return new PacketReader(packet, variableHeaderOffset(packet)).u16();
}

/** Reason code of an acknowledgement; 0 where it is left out. */
function reasonOf(packet: Uint8Array): number {
  const reader = new PacketReader(packet, variableHeaderOffset(packet) + 2);
  return reader.done ? 0 : reader.u8();
}

/** Reason codes of a SUBACK or UNSUBACK. */
function codesOf(packet: Uint8Array): number[] {
  const reader = new PacketReader(packet, variableHeaderOffset(packet) + 2);
  const properties = reader.variable();
  return [...packet.subarray(reader.at + properties)];
}
