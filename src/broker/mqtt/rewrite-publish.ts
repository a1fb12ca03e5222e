// The same PUBLISH for another connection: without what concerned its own alone, or in an older layout.

import { copyBytes, readU16, variableSize, writeHead, writeU16, writeVariable } from "./packet-bytes.ts";
import { PacketReader, variableHeaderOffset } from "./packet-reader.ts";
import { allowedProperties, propertyIds, readProperties } from "./properties.ts";
import type { Publish } from "./publish.ts";
import { readTrustedPublish, trustedProperties } from "./publish.ts";
import { trustedTopic } from "./topic-strings.ts";
import { propertyBytes, writePublish } from "./write-publish.ts";

const ALIAS_PROPERTY_BYTES = 3;

/** The same PUBLISH without what concerned its connection alone: the topic alias. */
export function normalisePublish(publish: Publish): Publish {
  return publish.topicAlias === 0 ? publish : withTopic(publish, publish.topic);
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

/** Writes a PUBLISH of 5.0 layout to `into` at `to`, in the layout of 3.1 and 3.1.1: without its properties, so it is
 *  never longer. Returns where it ends. */
export function writeVersion3(packet: Uint8Array, into: Uint8Array, to: number): number {
  const at = variableHeaderOffset(packet);
  const qos = ((packet[0] ?? 0) >> 1) & 3;
  const headEnd = at + 2 + readU16(packet, at) + (qos === 0 ? 0 : 2);
  const reader = new PacketReader(packet, headEnd);
  const payloadOffset = reader.variable() + reader.at;
  const rest = headEnd - at + (packet.length - payloadOffset);
  into[to] = packet[0] ?? 0;
  const start = writeVariable(into, to + 1, rest);
  copyBytes(packet, at, headEnd, into, start);
  copyBytes(packet, payloadOffset, packet.length, into, start + headEnd - at);
  return start + rest;
}

/** The topic of a PUBLISH that was checked. */
export function publishTopicOf(packet: Uint8Array): string {
  const at = variableHeaderOffset(packet) + 2;
  return trustedTopic(packet, at, at + readU16(packet, at - 2));
}

/** A PUBLISH of 5.0 layout that has no alias with this one, and `named` by its topic too or without it. */
export function withAlias(packet: Uint8Array, alias: number, named: boolean): Uint8Array {
  const at = variableHeaderOffset(packet);
  const topicEnd = at + 2 + readU16(packet, at);
  const idEnd = topicEnd + (((packet[0] ?? 0) & 0x06) === 0 ? 0 : 2);
  const reader = new PacketReader(packet, idEnd);
  const properties = reader.variable() + ALIAS_PROPERTY_BYTES;
  const topic = named ? topicEnd - at : 2;
  const rest = topic + (idEnd - topicEnd) + variableSize(properties) + ALIAS_PROPERTY_BYTES + packet.length - reader.at;
  const aliased = new Uint8Array(1 + variableSize(rest) + rest);
  let to = writeHead(aliased, packet[0] ?? 0, rest);
  if (named) aliased.set(packet.subarray(at, topicEnd), to);
  to += topic;
  aliased.set(packet.subarray(topicEnd, idEnd), to);
  to = writeVariable(aliased, to + idEnd - topicEnd, properties);
  aliased[to] = propertyIds.topicAlias;
  writeU16(aliased, to + 1, alias);
  aliased.set(packet.subarray(reader.at), to + ALIAS_PROPERTY_BYTES);
  return aliased;
}

function withoutAlias({ bytes, propertiesOffset, payloadOffset, topicAlias }: Publish): Uint8Array {
  const all = bytes.subarray(propertiesOffset, payloadOffset);
  if (topicAlias === 0) return all;
  const kept: Uint8Array[] = [];
  let from = propertiesOffset;
  const properties = trustedProperties(bytes, propertiesOffset, payloadOffset);
  readProperties(properties, allowedProperties.publish, (id, _value, at) => {
    if (id !== propertyIds.topicAlias) return;
    kept.push(bytes.subarray(from, at - 1));
    from = at + 2;
  });
  kept.push(bytes.subarray(from, payloadOffset));
  return propertyBytes(kept);
}
