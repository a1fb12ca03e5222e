// Reads and checks CONNECT, section 3.1, in one walk: a connection opens with it, and to check it first and parse it then
// (as other control packets are) takes several times as long.

import { hasControlCharacter } from "../topics/topic-name.ts";
import { MqttError } from "./mqtt-error.ts";
import { malformed, PacketReader, protocolError, variableHeaderOffset } from "./packet-reader.ts";
import type { ConnectPacket, ProtocolVersion, QoS, Will } from "./packets.ts";
import { allowedProperties, propertyIds, readProperties } from "./properties.ts";
import { checkResponseTopic, checkTopicName } from "./read-publish.ts";
import { reasonCodes } from "./reason-codes.ts";
import { propertyBytes } from "./write-publish.ts";

const CONNECT = 0x10;
const RECEIVE_MAXIMUM = 65_535;
const connectFlags = { reserved: 0x01, cleanStart: 0x02, will: 0x04, willRetain: 0x20, password: 0x40, username: 0x80 };

type ConnectProperties = Pick<
  ConnectPacket,
  | "sessionExpiryInterval"
  | "receiveMaximum"
  | "maximumPacketSize"
  | "topicAliasMaximum"
  | "requestResponseInformation"
  | "requestProblemInformation"
  | "authenticationMethod"
  | "authenticationData"
  | "userProperties"
>;

/** What holds where a property is absent, and before 5.0. */
const absent: ConnectProperties = {
  sessionExpiryInterval: null,
  receiveMaximum: RECEIVE_MAXIMUM,
  maximumPacketSize: null,
  topicAliasMaximum: 0,
  requestResponseInformation: false,
  requestProblemInformation: true,
  authenticationMethod: null,
  authenticationData: null,
  userProperties: [],
};

/** Throws MqttError. */
export function readConnect(packet: Uint8Array): ConnectPacket {
  const reader = new PacketReader(packet, variableHeaderOffset(packet));
  const protocolVersion = versionOf(reader.utf8(), reader.u8());
  // 3.1 leaves these flags unused too.
  if (protocolVersion > 3 && packet[0] !== CONNECT) throw malformed("reserved flags are not as they must be"); // [MQTT-2.1.3-1]
  const flags = reader.u8();
  // 3.1 leaves it unused. [MQTT-3.1.2-3]
  if (protocolVersion > 3 && (flags & connectFlags.reserved) !== 0) throw malformed("the reserved connect flag is set");
  const willQos = (flags >> 3) & 3;
  if (willQos === 3) throw malformed("will QoS 3"); // [MQTT-3.1.2-12]
  const hasWill = (flags & connectFlags.will) !== 0;
  const willRetain = (flags & connectFlags.willRetain) !== 0;
  if (!hasWill && (willQos !== 0 || willRetain)) throw malformed("will flags without a will"); // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
  const hasPassword = (flags & connectFlags.password) !== 0;
  const hasUsername = (flags & connectFlags.username) !== 0;
  if (protocolVersion < 5 && hasPassword && !hasUsername) throw malformed("a password without a user name"); // [MQTT311-3.1.2-22]
  const keepAliveSeconds = reader.u16();
  const properties = protocolVersion === 5 ? readConnectProperties(reader) : absent;
  const clientId = readClientId(reader, protocolVersion);
  const will = hasWill ? readWill(reader, protocolVersion, willQos as QoS, willRetain) : null;
  const username = hasUsername ? reader.utf8() : null;
  const password = hasPassword ? new Uint8Array(reader.binary()) : null;
  reader.expectEnd();
  return {
    type: "connect",
    protocolVersion,
    clientId,
    cleanStart: (flags & connectFlags.cleanStart) !== 0,
    keepAliveSeconds,
    username,
    password,
    ...properties,
    will,
  };
}

/** Section 3.1.2.11. */
function readConnectProperties(reader: PacketReader): ConnectProperties {
  const userProperties: (readonly [string, string])[] = [];
  const found: { -readonly [Name in keyof ConnectProperties]: ConnectProperties[Name] } = { ...absent, userProperties };
  readProperties(reader, allowedProperties.connect, (id, value) => {
    switch (id) {
      case propertyIds.sessionExpiryInterval:
        found.sessionExpiryInterval = Number(value);
        return;
      case propertyIds.receiveMaximum:
        found.receiveMaximum = Number(value);
        return;
      case propertyIds.maximumPacketSize:
        found.maximumPacketSize = Number(value);
        return;
      case propertyIds.topicAliasMaximum:
        found.topicAliasMaximum = Number(value);
        return;
      case propertyIds.requestResponseInformation:
        found.requestResponseInformation = value === 1;
        return;
      case propertyIds.requestProblemInformation:
        found.requestProblemInformation = value === 1;
        return;
      case propertyIds.authenticationMethod:
        found.authenticationMethod = String(value);
        return;
      case propertyIds.authenticationData:
        found.authenticationData = new Uint8Array(value as Uint8Array);
        return;
      default:
        userProperties.push(value as readonly [string, string]);
    }
  });
  if (found.authenticationData !== null && found.authenticationMethod === null) {
    throw protocolError("authentication data without a method");
  }
  return found;
}

/** Section 3.1.3.2 to 3.1.3.4. */
function readWill(reader: PacketReader, version: ProtocolVersion, qos: QoS, retain: boolean): Will {
  const kept: Uint8Array[] = [];
  let delayInterval = 0;
  if (version === 5) {
    const start = new PacketReader(reader.bytes, reader.at);
    start.variable();
    let previous = start.at;
    readProperties(reader, allowedProperties.will, (id, value) => {
      if (id === propertyIds.responseTopic) checkResponseTopic(String(value));
      if (id === propertyIds.willDelayInterval) delayInterval = Number(value);
      else kept.push(reader.bytes.subarray(previous, reader.at));
      previous = reader.at;
    });
  }
  const topic = reader.utf8();
  checkTopicName(topic, "the will's topic");
  const payload = new Uint8Array(reader.binary());
  return { topic, payload, qos, retain, delayInterval, properties: propertyBytes(kept) };
}

/** Section 3.1.3.1. */
function readClientId(reader: PacketReader, version: ProtocolVersion): string {
  const clientId = reader.utf8();
  if (!hasControlCharacter(clientId)) return clientId;
  const reasonCode = version === 5 ? reasonCodes.clientIdentifierNotValid : reasonCodes.malformedPacket; // [MQTT-3.1.3-8]
  throw new MqttError(reasonCode, "the client id has a control character");
}

function versionOf(name: string, level: number): ProtocolVersion {
  if (name === "MQTT" && (level === 4 || level === 5)) return level;
  if (name === "MQIsdp" && level === 3) return 3;
  throw new MqttError(reasonCodes.unsupportedProtocolVersion, "neither MQTT 5.0, 3.1.1 nor 3.1"); // [MQTT-3.1.2-1] [MQTT-3.1.2-2]
}
