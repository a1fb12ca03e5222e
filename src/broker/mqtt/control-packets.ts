// Every packet that a client may send, from bytes: CONNECT, PUBLISH and acknowledgements through readers of their own,
// the others guarded (control-guards.ts) and then parsed by mqtt-packet.

import { readAcknowledgement } from "./acknowledgement.ts";
import { guardAuth, guardDisconnect, guardPingreq, guardSubscribe, guardUnsubscribe } from "./control-guards.ts";
import type { ForeignPacket } from "./mqtt-packet.d.ts";
import mqttPacket from "mqtt-packet";
import { malformed, protocolError, readerOf } from "./packet-reader.ts";
import type {
  AuthPacket,
  ClientPacket,
  DisconnectPacket,
  ProtocolVersion,
  QoS,
  SubscribePacket,
  UnsubscribePacket,
} from "./packets.ts";
import { readConnect } from "./read-connect.ts";
import { readPublish } from "./read-publish.ts";

const encoder = new TextEncoder();

/** Packet types by the upper four bits of the first byte, section 2.1.2. */
const types = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
  auth: 15,
} as const;

/** Reads and checks a packet, `bytes`, from a client; `version` is null until it has sent CONNECT. `relayed`: it was checked
 *  in the client's own version, and may have filters that only 5.0 knows to be none. Throws MqttError. */
export function readPacket(bytes: Uint8Array, version: ProtocolVersion | null, relayed = false): ClientPacket {
  const type = (bytes[0] ?? 0) >> 4;
  const packet = version === 3 && type !== types.publish ? withoutFreeFlags(bytes, type) : bytes;
  if (version === null) {
    if (type !== types.connect) throw protocolError("the first packet is not CONNECT"); // [MQTT-3.1.0-1]
    return readConnect(packet);
  }
  switch (type) {
    case types.connect:
      throw protocolError("a second CONNECT"); // [MQTT-3.1.0-2]
    case types.publish:
      return readPublish(packet, version);
    case types.puback:
    case types.pubrec:
    case types.pubrel:
    case types.pubcomp:
      return readAcknowledgement(packet, version);
    case types.subscribe:
      return readSubscribe(packet, version, relayed);
    case types.unsubscribe:
      return readUnsubscribe(packet, version, relayed);
    case types.pingreq:
      guardPingreq(packet);
      return { type: "pingreq" };
    case types.disconnect:
      return readDisconnect(packet, version);
    case types.auth:
      return readAuth(packet, version);
    default:
      readerOf(packet, type << 4); // [MQTT-2.1.3-1]
      throw protocolError("a packet that only a server may send");
  }
}

/** 3.1 sets DUP where a client sends PUBREL, SUBSCRIBE or UNSUBSCRIBE again (its section 2.1), and leaves the flags of
 *  what is no PUBLISH unused: whatever they are, they say nothing. */
function withoutFreeFlags(packet: Uint8Array, type: number): Uint8Array {
  const wantsQos1 = type === types.pubrel || type === types.subscribe || type === types.unsubscribe;
  const first = (type << 4) | (wantsQos1 ? 2 : 0);
  if (packet[0] === first) return packet;
  const plain = packet.slice();
  plain[0] = first;
  return plain;
}

function readSubscribe(packet: Uint8Array, version: ProtocolVersion, relayed: boolean): SubscribePacket {
  guardSubscribe(packet, version, relayed);
  const parsed = parse(packet, version);
  const subscriptions = parsed["subscriptions"] as ForeignPacket[];
  return {
    type: "subscribe",
    packetId: Number(parsed["messageId"]),
    subscriptionIdentifier: numberOf(propertiesOf(parsed)["subscriptionIdentifier"]),
    subscriptions: subscriptions.map(({ topic, qos, nl, rap, rh }) => ({
      filter: String(topic),
      qos: Number(qos) as QoS,
      noLocal: nl === true,
      retainAsPublished: rap === true,
      retainHandling: Number(rh ?? 0) as 0 | 1 | 2,
    })),
  };
}

function readUnsubscribe(packet: Uint8Array, version: ProtocolVersion, relayed: boolean): UnsubscribePacket {
  guardUnsubscribe(packet, version, relayed);
  const parsed = parse(packet, version);
  return {
    type: "unsubscribe",
    packetId: Number(parsed["messageId"]),
    filters: (parsed["unsubscriptions"] as unknown[]).map(String),
  };
}

function readDisconnect(packet: Uint8Array, version: ProtocolVersion): DisconnectPacket {
  guardDisconnect(packet, version);
  const parsed = parse(packet, version);
  return {
    type: "disconnect",
    reasonCode: numberOf(parsed["reasonCode"]) ?? 0,
    sessionExpiryInterval: numberOf(propertiesOf(parsed)["sessionExpiryInterval"]),
  };
}

function readAuth(packet: Uint8Array, version: ProtocolVersion): AuthPacket {
  guardAuth(packet, version);
  const parsed = parse(packet, version);
  const properties = propertiesOf(parsed);
  return {
    type: "auth",
    reasonCode: numberOf(parsed["reasonCode"]) ?? 0,
    authenticationMethod: stringOf(properties["authenticationMethod"]),
    authenticationData: bytesOf(properties["authenticationData"]),
  };
}

/** One whole packet through mqtt-packet. What it refuses of a guarded packet is malformed. */
function parse(packet: Uint8Array, version: ProtocolVersion): ForeignPacket {
  const parser = mqttPacket.parser({ protocolVersion: version });
  let parsed: ForeignPacket | null = null;
  parser.on("packet", (each) => {
    parsed = each as unknown as ForeignPacket;
  });
  parser.on("error", () => undefined);
  parser.parse(packet as never); // Its own types ask for a Buffer; it takes any bytes.
  if (parsed === null) throw malformed("a packet that cannot be parsed");
  return parsed;
}

function propertiesOf(packet: ForeignPacket): Record<string, unknown> {
  return (packet["properties"] as Record<string, unknown> | undefined) ?? {};
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function stringOf(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value);
}

function bytesOf(value: unknown): Uint8Array | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? encoder.encode(value) : Uint8Array.from(value as Uint8Array);
}
