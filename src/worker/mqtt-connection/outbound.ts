// What the shard sends to a client, brought to the client's version. A 5.0 client gets the bytes as they are.

import { PacketReader, variableHeaderOffset } from "../../broker/mqtt/packet-reader.ts";
import type { ProtocolVersion } from "../../broker/mqtt/packets.ts";
import { writeVersion3 } from "../../broker/mqtt/rewrite-publish.ts";
import { writeSuback, writeUnsuback } from "../../broker/mqtt/server-packets.ts";
import { packetEnd } from "../../broker/mqtt/split-packets.ts";
import { isBare, writeAcknowledgement } from "../../broker/mqtt/acknowledgement.ts";

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
  return translated(packets, writers[version]);
}

function scan(packets: Uint8Array): Outbound {
  let count = 0;
  for (let at = 0; at < packets.length; count += 1) {
    const end = packetEnd(packets, at);
    if (typeOf(packets, at) === types.disconnect) {
      return { bytes: packets.subarray(0, at), packets: count, ends: true, disconnect: packets.subarray(at, end) };
    }
    at = end;
  }
  return { bytes: packets, packets: count, ends: false, disconnect: null };
}

/** Writes a packet to `into` at `to`, where there is as much room as it has bytes, and returns where it ends; ENDS: the
 *  connection ends there. */
type Write = (packet: Uint8Array, into: Uint8Array, to: number) => number;

const ENDS = -1;

function translated(packets: Uint8Array, write: Write): Outbound {
  const into = new Uint8Array(packets.length); // No packet grows.
  let length = 0;
  let count = 0;
  for (let at = 0; at < packets.length; count += 1) {
    const end = packetEnd(packets, at);
    if (isAcknowledgement(typeOf(packets, at)) && isBare(packets, at)) {
      while (at < end) into[length++] = packets[at++] ?? 0;
      continue;
    }
    const packet = packets.subarray(at, end);
    const written = write(packet, into, length);
    if (written === ENDS) {
      const disconnect = typeOf(packet) === types.disconnect ? packet : null;
      return { bytes: into.subarray(0, length), packets: count, ends: true, disconnect };
    }
    length = written;
    at = end;
  }
  return { bytes: into.subarray(0, length), packets: count, ends: false, disconnect: null };
}

function isAcknowledgement(type: number): boolean {
  return type >= types.puback && type <= types.pubcomp;
}

function writerFor(version: ProtocolVersion): Write {
  return (packet, into, to) => {
    if (typeOf(packet) === types.publish) return writeVersion3(packet, into, to);
    return put(translateOne(packet, version), into, to);
  };
}

function writeBare(packet: Uint8Array, into: Uint8Array, to: number): number {
  return put(bare(packet), into, to);
}

/** Of 5.0: for who wants no problem information. */
const writers: Record<ProtocolVersion, Write> = { 3: writerFor(3), 4: writerFor(4), 5: writeBare };

function put(packet: Uint8Array | null, into: Uint8Array, to: number): number {
  if (packet === null) return ENDS;
  into.set(packet, to);
  return to + packet.length;
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

/** What is no PUBLISH. Null: this version has no word for it, so the connection is closed. */
function translateOne(packet: Uint8Array, version: ProtocolVersion): Uint8Array | null {
  switch (typeOf(packet)) {
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

function typeOf(packets: Uint8Array, at = 0): number {
  return (packets[at] ?? 0) >> 4;
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
