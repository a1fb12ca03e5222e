// What mqtt-packet lets through and the specification does not: each control packet that a client may send is walked
// field by field before it is parsed. Throws MqttError with the specification's reason code.

import { limits } from "../limits.ts";
import { MqttError } from "./mqtt-error.ts";
import { malformed, PacketReader, protocolError, variableHeaderOffset } from "./packet-reader.ts";
import type { ProtocolVersion, UserProperties } from "./packets.ts";
import { allowedProperties, propertyIds, readProperties } from "./properties.ts";
import { checkTopicName } from "./read-publish.ts";
import { reasonCodes } from "./reason-codes.ts";
import { propertyBytes } from "./write-publish.ts";

const connectFlags = { reserved: 0x01, cleanStart: 0x02, will: 0x04, willRetain: 0x20, password: 0x40, username: 0x80 };
const NO_LOCAL = 0x04;
const RESERVED_OPTIONS = 0xc0;
/** Reason codes with which a client may disconnect, table 3-10. */
const disconnectCodes: ReadonlySet<number> = new Set([
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
]);
const authCodes: ReadonlySet<number> = new Set([reasonCodes.continueAuthentication, reasonCodes.reauthenticate]);

/** What the guard of CONNECT finds on its way and mqtt-packet does not give as it stood. */
export interface ConnectLayout {
  readonly version: ProtocolVersion;
  readonly userProperties: UserProperties;
  /** The will's properties as bytes, without its delay. */
  readonly willProperties: Uint8Array;
}

/** CONNECT, section 3.1. */
export function guardConnect(packet: Uint8Array): ConnectLayout {
  const reader = readerOf(packet, 0x10);
  const version = versionOf(reader.utf8(), reader.u8());
  const flags = reader.u8();
  if ((flags & connectFlags.reserved) !== 0) throw malformed("the reserved connect flag is set"); // [MQTT-3.1.2-3]
  const willQos = (flags >> 3) & 3;
  if (willQos === 3) throw malformed("will QoS 3"); // [MQTT-3.1.2-12]
  const hasWill = (flags & connectFlags.will) !== 0;
  if (!hasWill && (willQos !== 0 || (flags & connectFlags.willRetain) !== 0)) {
    throw malformed("will flags without a will"); // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
  }
  const hasPassword = (flags & connectFlags.password) !== 0;
  const hasUsername = (flags & connectFlags.username) !== 0;
  if (version < 5 && hasPassword && !hasUsername) throw malformed("a password without a user name"); // [MQTT311-3.1.2-22]
  reader.u16();
  const userProperties: (readonly [string, string])[] = [];
  if (version === 5) {
    let method = false;
    let data = false;
    readProperties(reader, allowedProperties.connect, (id, value) => {
      if (id === 0x15) method = true;
      if (id === 0x16) data = true;
      if (Array.isArray(value)) userProperties.push(value as unknown as readonly [string, string]);
    });
    if (data && !method) throw protocolError("authentication data without a method");
  }
  reader.utf8();
  const willProperties = hasWill ? guardWill(reader, version) : new Uint8Array();
  if (hasUsername) reader.utf8();
  if (hasPassword) reader.binary();
  reader.expectEnd();
  return { version, userProperties, willProperties };
}

/** SUBSCRIBE, section 3.8. */
export function guardSubscribe(packet: Uint8Array, version: ProtocolVersion): void {
  const reader = readerOf(packet, 0x82); // [MQTT-3.8.1-1]
  if (reader.u16() === 0) throw protocolError("packet id 0"); // [MQTT-2.2.1-3]
  if (version === 5) readProperties(reader, allowedProperties.subscribe, () => undefined);
  if (reader.done) throw protocolError("SUBSCRIBE without a filter"); // [MQTT-3.8.3-2]
  for (let filters = 1; !reader.done; filters++) {
    if (filters > limits.filtersPerPacket) throw tooManyFilters();
    const filter = reader.utf8();
    const options = reader.u8();
    if ((options & 3) === 3) throw protocolError("QoS 3"); // [MQTT-3.8.3-5]
    if (version < 5) {
      if (options > 2) throw malformed("reserved bits of a subscription are set"); // [MQTT311-3.8.3-4]
      continue;
    }
    if ((options & RESERVED_OPTIONS) !== 0) throw malformed("reserved bits of a subscription are set");
    if (((options >> 4) & 3) === 3) throw protocolError("Retain Handling 3");
    if (filter.startsWith("$share/") && (options & NO_LOCAL) !== 0) {
      throw protocolError("No Local on a shared subscription"); // [MQTT-3.8.3-4]
    }
  }
}

/** UNSUBSCRIBE, section 3.10. */
export function guardUnsubscribe(packet: Uint8Array, version: ProtocolVersion): void {
  const reader = readerOf(packet, 0xa2); // [MQTT-3.10.1-1]
  if (reader.u16() === 0) throw protocolError("packet id 0"); // [MQTT-2.2.1-3]
  if (version === 5) readProperties(reader, allowedProperties.unsubscribe, () => undefined);
  if (reader.done) throw protocolError("UNSUBSCRIBE without a filter"); // [MQTT-3.10.3-2]
  for (let filters = 1; !reader.done; filters++) {
    if (filters > limits.filtersPerPacket) throw tooManyFilters();
    reader.utf8();
  }
}

/** PINGREQ, section 3.12. */
export function guardPingreq(packet: Uint8Array): void {
  readerOf(packet, 0xc0).expectEnd();
}

/** DISCONNECT, section 3.14. */
export function guardDisconnect(packet: Uint8Array, version: ProtocolVersion): void {
  const reader = readerOf(packet, 0xe0); // [MQTT-3.14.1-1]
  if (version < 5 || reader.done) {
    reader.expectEnd();
    return;
  }
  if (!disconnectCodes.has(reader.u8())) throw protocolError("a reason code that only a server may send");
  if (!reader.done) readProperties(reader, allowedProperties.disconnect, () => undefined);
  reader.expectEnd();
}

/** AUTH, section 3.15. */
export function guardAuth(packet: Uint8Array, version: ProtocolVersion): void {
  if (version < 5) throw protocolError("AUTH in a version that has none");
  const reader = readerOf(packet, 0xf0); // [MQTT-3.15.1-1]
  if (reader.done) return;
  if (!authCodes.has(reader.u8())) throw protocolError("a reason code that only a server may send");
  let method = false;
  if (!reader.done) {
    readProperties(reader, allowedProperties.auth, (id) => {
      if (id === 0x15) method = true;
    });
  }
  if (!method) throw protocolError("AUTH without a method");
  reader.expectEnd();
}

function guardWill(reader: PacketReader, version: ProtocolVersion): Uint8Array {
  const kept: Uint8Array[] = [];
  if (version === 5) {
    const start = new PacketReader(reader.bytes, reader.at);
    start.variable();
    let previous = start.at;
    readProperties(reader, allowedProperties.will, (id, value) => {
      if (id === propertyIds.responseTopic) checkTopicName(String(value), "the will's response topic");
      if (id !== propertyIds.willDelayInterval) kept.push(reader.bytes.subarray(previous, reader.at));
      previous = reader.at;
    });
  }
  checkTopicName(reader.utf8(), "the will's topic");
  reader.binary();
  return propertyBytes(kept);
}

function tooManyFilters(): MqttError {
  return new MqttError(reasonCodes.quotaExceeded, `more than ${limits.filtersPerPacket} filters in a packet`);
}

function readerOf(packet: Uint8Array, first: number): PacketReader {
  if (packet[0] !== first) throw malformed("reserved flags are not as they must be"); // [MQTT-2.1.3-1]
  return new PacketReader(packet, variableHeaderOffset(packet));
}

function versionOf(name: string, level: number): ProtocolVersion {
  if (name === "MQTT" && (level === 4 || level === 5)) return level;
  if (name === "MQIsdp" && level === 3) return 3;
  throw new MqttError(reasonCodes.unsupportedProtocolVersion, "neither MQTT 5.0, 3.1.1 nor 3.1"); // [MQTT-3.1.2-1] [MQTT-3.1.2-2]
}
