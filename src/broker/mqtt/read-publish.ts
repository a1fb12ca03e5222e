// Reads and checks a PUBLISH from a client, MQTT 5.0 section 3.3: nothing behind this looks at its bytes with suspicion.

import { hasControlCharacter } from "../topics/topic-name.ts";
import { MqttError } from "./mqtt-error.ts";
import { copyBytes, readU16, variableSize, writeHead } from "./packet-bytes.ts";
import { packetRoom } from "./packet-room.ts";
import { malformed, PacketReader, protocolError, variableHeaderOffset } from "./packet-reader.ts";
import type { ProtocolVersion, QoS } from "./packets.ts";
import { allowedProperties, propertyIds, readProperties } from "./properties.ts";
import type { Publish } from "./publish.ts";
import { publishFlags } from "./publish.ts";
import { reasonCodes } from "./reason-codes.ts";
import { recallTopic, rememberTopic } from "./topic-strings.ts";

/** Reads and checks a PUBLISH from a client. For 3.1 and 3.1.1 the result has bytes of its own in 5.0 layout. Throws
 *  MqttError. */
export function readPublish(packet: Uint8Array, version: ProtocolVersion): Publish {
  const flags = packet[0] ?? 0;
  const qos = qosOf(flags);
  const dup = (flags & publishFlags.dup) !== 0;
  if (qos === 0 && dup) throw malformed("DUP at QoS 0"); // [MQTT-3.3.1-2]
  const reader = new PacketReader(packet, variableHeaderOffset(packet));
  const topic = readTopic(reader);
  const packetIdOffset = qos === 0 ? 0 : reader.at;
  const packetId = qos === 0 ? 0 : reader.u16();
  if (qos > 0 && packetId === 0) throw protocolError("packet id 0"); // [MQTT-2.2.1-3]
  if (version < 5) {
    if (topic === "") throw malformed("an empty topic"); // [MQTT311-4.7.3-1]
    return fromVersion3(packet, { qos, dup, topic, packetId, packetIdOffset, payloadOffset: reader.at });
  }
  const found = { expiryOffset: 0, topicAlias: 0, hasAlias: false, utf8Payload: false };
  const propertiesStart = reader.at;
  readProperties(reader, allowedProperties.publish, (id, value, offset) => {
    if (id === propertyIds.messageExpiryInterval) found.expiryOffset = offset;
    else if (id === propertyIds.payloadFormatIndicator) found.utf8Payload = value === 1;
    else if (id === propertyIds.responseTopic)
      checkResponseTopic(String(value)); // [MQTT-3.3.2-14]
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
    retain: (flags & publishFlags.retain) !== 0,
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

/** A PUBLISH of 3.1 or 3.1.1 whose fields were read, in 5.0 layout: as it is, but for the length of its properties, which
 *  are none. */
function fromVersion3(
  packet: Uint8Array,
  fields: Pick<Publish, "qos" | "dup" | "topic" | "packetId" | "packetIdOffset" | "payloadOffset">,
): Publish {
  const { qos, dup, topic, packetId, packetIdOffset, payloadOffset: headEnd } = fields;
  const from = variableHeaderOffset(packet);
  const rest = packet.length - from + 1;
  const bytes = packetRoom(1 + variableSize(rest) + rest);
  const moved = writeHead(bytes, packet[0] ?? 0, rest) - from;
  const payloadOffset = headEnd + moved + 1;
  copyBytes(packet, from, headEnd, bytes, from + moved);
  copyBytes(packet, headEnd, packet.length, bytes, payloadOffset);
  return {
    type: "publish",
    bytes,
    qos,
    dup,
    retain: ((packet[0] ?? 0) & publishFlags.retain) !== 0,
    topic,
    packetId,
    packetIdOffset: packetIdOffset === 0 ? 0 : packetIdOffset + moved,
    propertiesOffset: payloadOffset,
    payloadOffset,
    expiryOffset: 0,
    topicAlias: 0,
    utf8Payload: false,
  };
}

/** Throws MqttError unless `topic` is a name that may be published to. [MQTT-3.3.2-2] [MQTT-4.7.3-1] */
export function checkTopicName(topic: string, what: string): void {
  if (isNoName(topic)) throw malformed(`${what} has a wildcard or a control character, or is empty`);
}

/** Throws MqttError unless a response may be published to `topic`. Section 3.3.2.3.5. */
export function checkResponseTopic(topic: string): void {
  if (isNoName(topic)) throw protocolError("the response topic has a wildcard or a control character, or is empty");
}

function isNoName(topic: string): boolean {
  return topic === "" || topic.includes("+") || topic.includes("#") || hasControlCharacter(topic);
}

function readTopic(reader: PacketReader): string {
  const from = reader.at + 2;
  const recalled = recallTopic(reader.bytes, from, from + readU16(reader.bytes, reader.at));
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
