// Writes a PUBLISH of MQTT 5.0 layout from its fields, or for one recipient of one that exists, by copying and patching.

import { readU16, variableSize, writeHead, writeU16, writeU32, writeVariable } from "./packet-bytes.ts";
import { packetRoom } from "./packet-room.ts";
import { variableHeaderOffset } from "./packet-reader.ts";
import type { QoS } from "./packets.ts";
import { propertyIds } from "./properties.ts";
import type { Publish } from "./publish.ts";
import { publishFlags } from "./publish.ts";

const PUBLISH = 0x30;
const encoder = new TextEncoder();

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
  writeU16(packet, at, topic.length);
  packet.set(topic, at + 2);
  at += 2 + topic.length;
  if (qos > 0) {
    writeU16(packet, at, packetId);
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
  const packet = packetRoom(bytes.length);
  packet.set(bytes);
  packet[0] = flagsOf(qos, retain, dup);
  if (qos > 0) writeU16(packet, publish.packetIdOffset, packetId);
  if (expiryOffset !== 0 && messageExpiryInterval !== null) writeU32(packet, expiryOffset, messageExpiryInterval);
  return packet;
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
  const topicEnd = headOffset + 2 + readU16(bytes, headOffset);
  const ownProperties = payloadOffset - propertiesOffset;
  let properties = ownProperties;
  for (const identifier of subscriptionIdentifiers) properties += 1 + variableSize(identifier);
  const rest = restOf(topicEnd - headOffset - 2, qos, properties, bytes.length - payloadOffset);
  const packet = new Uint8Array(1 + variableSize(rest) + rest);
  let at = writeHead(packet, flagsOf(qos, retain, dup), rest);
  packet.set(bytes.subarray(headOffset, topicEnd), at);
  at += topicEnd - headOffset;
  if (qos > 0) {
    writeU16(packet, at, packetId);
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

function restOf(topic: number, qos: QoS, properties: number, payload: number): number {
  return 2 + topic + (qos > 0 ? 2 : 0) + variableSize(properties) + properties + payload;
}

function flagsOf(qos: QoS, retain: boolean, dup: boolean): number {
  return PUBLISH | (dup ? publishFlags.dup : 0) | (qos << 1) | (retain ? publishFlags.retain : 0);
}
