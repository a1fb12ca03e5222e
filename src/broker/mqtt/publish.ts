// PUBLISH, MQTT 5.0 section 3.3, kept in its bytes: read into offsets, forwarded by copying and patching, never rebuilt.

import { MqttError } from "./mqtt-error.ts";
import { malformed, PacketReader, protocolError, variableHeaderOffset } from "./packet-reader.ts";
import type { ProtocolVersion, QoS } from "./packets.ts";
import { allowedProperties, propertyIds, readProperties } from "./properties.ts";
import { reasonCodes } from "./reason-codes.ts";
import { recallTopic, rememberTopic, trustedTopic } from "./topic-strings.ts";

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

const PUBLISH = 0x30;
const DUP = 0x08;
const RETAIN = 0x01;
const EMPTY = new Uint8Array();
const encoder = new TextEncoder();

/** Reads and checks a PUBLISH from a client. For 3.1 and 3.1.1 the result has bytes of its own in 5.0 layout. Throws
 *  MqttError. */
export function readPublish(packet: Uint8Array, version: ProtocolVersion): Publish {
  const flags = packet[0] ?? 0;
  const qos = qosOf(flags);
  const dup = (flags & DUP) !== 0;
  if (qos === 0 && dup) throw malformed("DUP at QoS 0"); // [MQTT-3.3.1-2]
  const reader = new PacketReader(packet, variableHeaderOffset(packet));
  const topic = readTopic(reader);
  const packetIdOffset = qos === 0 ? 0 : reader.at;
  const packetId = qos === 0 ? 0 : reader.u16();
  if (qos > 0 && packetId === 0) throw protocolError("packet id 0"); // [MQTT-2.2.1-3]
  if (version < 5) {
    if (topic === "") throw topicError("an empty topic"); // [MQTT311-4.7.3-1]
    const payload = packet.subarray(reader.at);
    const retain = (flags & RETAIN) !== 0;
    return readTrustedPublish(writePublish({ topic, qos, dup, retain, packetId, properties: EMPTY, payload }));
  }
  const found = { expiryOffset: 0, topicAlias: 0, hasAlias: false, utf8Payload: false };
  const propertiesStart = reader.at;
  readProperties(reader, allowedProperties.publish, (id, value, offset) => {
    if (id === propertyIds.messageExpiryInterval) found.expiryOffset = offset;
    else if (id === propertyIds.payloadFormatIndicator) found.utf8Payload = value === 1;
    else if (id === propertyIds.responseTopic) checkTopicName(String(value), "the response topic");
    else if (id === propertyIds.subscriptionIdentifier)
      throw protocolError("a client sends no subscription identifier"); // [MQTT-3.3.4-6]
    else if (id === propertyIds.topicAlias) {
      found.hasAlias = true;
      found.topicAlias = Number(value);
    }
  });
  if (found.hasAlias && found.topicAlias === 0) {
    throw new MqttError(reasonCodes.topicAliasInvalid, "topic alias 0"); // [MQTT-3.3.2-8]
  }
  if (topic === "" && !found.hasAlias) throw protocolError("neither a topic nor an alias");
  const propertiesOffset = new PacketReader(packet, propertiesStart);
  propertiesOffset.variable();
  return {
    type: "publish",
    bytes: packet,
    qos,
    dup,
    retain: (flags & RETAIN) !== 0,
    topic,
    packetId,
    packetIdOffset,
    propertiesOffset: propertiesOffset.at,
    payloadOffset: reader.at,
    expiryOffset: found.expiryOffset,
    topicAlias: found.topicAlias,
    utf8Payload: found.utf8Payload,
  };
}

/** Reads a PUBLISH of 5.0 layout that was checked before: the fast way. */
export function readTrustedPublish(packet: Uint8Array): Publish {
  const flags = packet[0] ?? 0;
  const qos = ((flags >> 1) & 3) as QoS;
  let at = variableHeaderOffset(packet);
  const topicEnd = at + 2 + u16(packet, at);
  const topic = trustedTopic(packet, at + 2, topicEnd);
  at = topicEnd;
  let packetId = 0;
  let packetIdOffset = 0;
  if (qos !== 0) {
    packetIdOffset = at;
    packetId = u16(packet, at);
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
    dup: (flags & DUP) !== 0,
    retain: (flags & RETAIN) !== 0,
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

export interface PublishFields {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup?: boolean;
  /** Ignored at QoS 0. */
  readonly packetId: number;
  /** Property bytes without their length. */
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
}

/** A PUBLISH in 5.0 layout. */
export function writePublish(fields: PublishFields): Uint8Array {
  const { qos, retain, dup = false, packetId, properties, payload } = fields;
  const topic = encoder.encode(fields.topic);
  const rest = restOf(topic.length, qos, properties.length, payload.length);
  const packet = new Uint8Array(1 + variableSize(rest) + rest);
  let at = writeHead(packet, flagsOf(qos, retain, dup), rest);
  packet[at] = topic.length >> 8;
  packet[at + 1] = topic.length & 0xff;
  packet.set(topic, at + 2);
  at += 2 + topic.length;
  if (qos > 0) {
    packet[at] = packetId >> 8;
    packet[at + 1] = packetId & 0xff;
    at += 2;
  }
  at = writeVariable(packet, at, properties.length);
  packet.set(properties, at);
  packet.set(payload, at + properties.length);
  return packet;
}

export interface PublishAddress {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId: number;
  readonly subscriptionIdentifiers: readonly number[];
  /** Seconds left, written over the publisher's; null: leave it. */
  readonly messageExpiryInterval: number | null;
}

/** The bytes of a PUBLISH for one recipient: a copy, with what is the recipient's own put in. */
export function addressPublish(publish: Publish, address: PublishAddress): Uint8Array {
  const { qos, retain, dup, packetId, subscriptionIdentifiers, messageExpiryInterval } = address;
  const { bytes, expiryOffset } = publish;
  const sameShape = (qos === 0) === (publish.qos === 0) && subscriptionIdentifiers.length === 0;
  if (!sameShape) return reshape(publish, address);
  const packet = bytes.slice();
  packet[0] = flagsOf(qos, retain, dup);
  if (qos > 0) {
    packet[publish.packetIdOffset] = packetId >> 8;
    packet[publish.packetIdOffset + 1] = packetId & 0xff;
  }
  if (expiryOffset !== 0 && messageExpiryInterval !== null) writeU32(packet, expiryOffset, messageExpiryInterval);
  return packet;
}

/** The same PUBLISH under this topic and without a topic alias. */
export function withTopic(publish: Publish, topic: string): Publish {
  const { qos, dup, retain, packetId, bytes, payloadOffset } = publish;
  const properties = withoutAlias(publish);
  const payload = bytes.subarray(payloadOffset);
  return {
    ...readTrustedPublish(writePublish({ topic, qos, dup, retain, packetId, properties, payload })),
    utf8Payload: publish.utf8Payload,
  };
}

/** The same PUBLISH without what concerned its connection alone: the topic alias. */
export function normalisePublish(publish: Publish): Publish {
  return publish.topicAlias === 0 ? publish : withTopic(publish, publish.topic);
}

/** A PUBLISH of 5.0 layout in the layout of 3.1 and 3.1.1: without its properties. */
export function toVersion3(packet: Uint8Array): Uint8Array {
  const at = variableHeaderOffset(packet);
  const qos = ((packet[0] ?? 0) >> 1) & 3;
  const headEnd = at + 2 + u16(packet, at) + (qos === 0 ? 0 : 2);
  const reader = new PacketReader(packet, headEnd);
  const payloadOffset = reader.variable() + reader.at;
  const rest = headEnd - at + (packet.length - payloadOffset);
  const shorter = new Uint8Array(1 + variableSize(rest) + rest);
  const start = writeHead(shorter, packet[0] ?? 0, rest);
  shorter.set(packet.subarray(at, headEnd), start);
  shorter.set(packet.subarray(payloadOffset), start + headEnd - at);
  return shorter;
}

/** Throws MqttError unless `topic` is a name that may be published to. [MQTT-3.3.2-2] [MQTT-4.7.3-1] */
export function checkTopicName(topic: string, what: string): void {
  if (topic === "" || topic.includes("+") || topic.includes("#"))
    throw topicError(`${what} has a wildcard or is empty`);
}

/** Property bytes of a will or an API message, each written once. */
export function propertyBytes(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function reshape(publish: Publish, address: PublishAddress): Uint8Array {
  const { bytes, propertiesOffset, payloadOffset, expiryOffset } = publish;
  const { qos, retain, dup, packetId, subscriptionIdentifiers, messageExpiryInterval } = address;
  const headOffset = variableHeaderOffset(bytes);
  const topicEnd = headOffset + 2 + u16(bytes, headOffset);
  const ownProperties = payloadOffset - propertiesOffset;
  let properties = ownProperties;
  for (const identifier of subscriptionIdentifiers) properties += 1 + variableSize(identifier);
  const rest = restOf(topicEnd - headOffset - 2, qos, properties, bytes.length - payloadOffset);
  const packet = new Uint8Array(1 + variableSize(rest) + rest);
  let at = writeHead(packet, flagsOf(qos, retain, dup), rest);
  packet.set(bytes.subarray(headOffset, topicEnd), at);
  at += topicEnd - headOffset;
  if (qos > 0) {
    packet[at] = packetId >> 8;
    packet[at + 1] = packetId & 0xff;
    at += 2;
  }
  at = writeVariable(packet, at, properties);
  packet.set(bytes.subarray(propertiesOffset, payloadOffset), at);
  if (expiryOffset !== 0 && messageExpiryInterval !== null) {
    writeU32(packet, at + expiryOffset - propertiesOffset, messageExpiryInterval);
  }
  at += ownProperties;
  for (const identifier of subscriptionIdentifiers) {
    packet[at] = propertyIds.subscriptionIdentifier;
    at = writeVariable(packet, at + 1, identifier); // [MQTT-3.3.4-3]
  }
  packet.set(bytes.subarray(payloadOffset), at);
  return packet;
}

function readTopic(reader: PacketReader): string {
  const from = reader.at + 2;
  const recalled = recallTopic(reader.bytes, from, from + u16(reader.bytes, reader.at));
  if (recalled !== null) {
    reader.binary();
    return recalled;
  }
  const topic = reader.utf8();
  if (topic === "") return topic;
  checkTopicName(topic, "the topic");
  rememberTopic(reader.bytes, from, reader.at, topic);
  return topic;
}

function qosOf(flags: number): QoS {
  const qos = (flags >> 1) & 3;
  if (qos === 3) throw malformed("QoS 3"); // [MQTT-3.3.1-4]
  return qos as QoS;
}

/** Place of the expiry's value among properties that were checked. */
function findExpiry(packet: Uint8Array, from: number, end: number): number {
  let offset = 0;
  readProperties(lengthless(packet, from, end), allowedProperties.publish, (id, _value, at) => {
    if (id === propertyIds.messageExpiryInterval) offset = at;
  });
  return offset;
}

function withoutAlias({ bytes, propertiesOffset, payloadOffset, topicAlias }: Publish): Uint8Array {
  const all = bytes.subarray(propertiesOffset, payloadOffset);
  if (topicAlias === 0) return all;
  const kept: Uint8Array[] = [];
  let from = propertiesOffset;
  readProperties(lengthless(bytes, propertiesOffset, payloadOffset), allowedProperties.publish, (id, _value, at) => {
    if (id !== propertyIds.topicAlias) return;
    kept.push(bytes.subarray(from, at - 1));
    from = at + 2;
  });
  kept.push(bytes.subarray(from, payloadOffset));
  return propertyBytes(kept);
}

/** A reader that meets the properties' length once more, right before them. */
function lengthless(packet: Uint8Array, from: number, end: number): PacketReader {
  return new PacketReader(packet, from - variableSize(end - from), end);
}

function topicError(message: string): MqttError {
  return new MqttError(reasonCodes.topicNameInvalid, message);
}

function restOf(topic: number, qos: QoS, properties: number, payload: number): number {
  return 2 + topic + (qos > 0 ? 2 : 0) + variableSize(properties) + properties + payload;
}

function flagsOf(qos: QoS, retain: boolean, dup: boolean): number {
  return PUBLISH | (dup ? DUP : 0) | (qos << 1) | (retain ? RETAIN : 0);
}

function writeHead(packet: Uint8Array, first: number, rest: number): number {
  packet[0] = first;
  return writeVariable(packet, 1, rest);
}

function writeVariable(bytes: Uint8Array, at: number, value: number): number {
  let left = value;
  let place = at;
  while (left >= 0x80) {
    bytes[place++] = (left & 0x7f) | 0x80;
    left = Math.floor(left / 0x80);
  }
  bytes[place] = left;
  return place + 1;
}

function variableSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
}
