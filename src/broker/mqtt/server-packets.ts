// Packets that the broker writes, through mqtt-packet: what the server sends to clients, in their version, and what
// travels over links, which is always 5.0.

import type { ForeignPacket } from "./mqtt-packet.d.ts";
import mqttPacket from "mqtt-packet";
import type {
  ConnackFields,
  DisconnectPacket,
  ProtocolVersion,
  SubscribePacket,
  UnsubscribePacket,
} from "./packets.ts";
import type { ReasonCode } from "./reason-codes.ts";
import { reasonCodes } from "./reason-codes.ts";

/** SUBACK's only failure before 5.0. [MQTT311-3.9.3-2] */
const SUBACK_FAILURE = 0x80;
const CONNACK = 0x20;
const PINGRESP = [0xd0, 0] as const;

/** Return codes of CONNACK before 5.0, table 3.1 of 3.1.1; what has no code of its own is "server unavailable". */
const returnCodes = new Map<number, number>([
  [reasonCodes.success, 0],
  [reasonCodes.unsupportedProtocolVersion, 1],
  [reasonCodes.clientIdentifierNotValid, 2],
  [reasonCodes.badUserNameOrPassword, 4],
  [reasonCodes.notAuthorized, 5],
  [reasonCodes.banned, 5],
  [reasonCodes.badAuthenticationMethod, 5],
]);
const SERVER_UNAVAILABLE = 3;

/** CONNACK, section 3.2. */
export function writeConnack(fields: ConnackFields, version: ProtocolVersion): Uint8Array {
  const { sessionPresent, reasonCode, maximumQos, ...rest } = fields;
  if (version < 5) {
    const returnCode = returnCodes.get(reasonCode) ?? SERVER_UNAVAILABLE;
    return Uint8Array.of(CONNACK, 2, sessionPresent && version === 4 ? 1 : 0, returnCode);
  }
  const properties = maximumQos === undefined ? rest : { ...rest, maximumQoS: maximumQos };
  return generate({ cmd: "connack", sessionPresent, reasonCode, properties }, version);
}

/** SUBACK, section 3.9: one reason code a filter, in order. */
export function writeSuback(packetId: number, codes: readonly number[], version: ProtocolVersion): Uint8Array {
  const granted = version < 5 ? codes.map((code) => Math.min(code, SUBACK_FAILURE)) : [...codes];
  return generate({ cmd: "suback", messageId: packetId, granted }, version);
}

/** UNSUBACK, section 3.11. */
export function writeUnsuback(packetId: number, codes: readonly number[], version: ProtocolVersion): Uint8Array {
  return generate({ cmd: "unsuback", messageId: packetId, granted: [...codes] }, version);
}

/** DISCONNECT from the server, section 3.14; before 5.0 there is none, and the connection is closed alone. */
export function writeDisconnect(reasonCode: ReasonCode, version: ProtocolVersion, reasonString?: string): Uint8Array {
  if (version < 5) return new Uint8Array();
  const properties = reasonString === undefined ? {} : { reasonString };
  return generate({ cmd: "disconnect", reasonCode, properties }, version);
}

/** AUTH, section 3.15; `data`: what every method that is served says is text. */
export function writeAuth(reasonCode: ReasonCode, authenticationMethod: string, data: string): Uint8Array {
  const properties = { authenticationMethod, authenticationData: data };
  return generate({ cmd: "auth", reasonCode, properties }, 5);
}

/** PINGRESP, section 3.13. */
export function writePingresp(): Uint8Array {
  return Uint8Array.from(PINGRESP);
}

/** SUBSCRIBE for the link. */
export function writeSubscribe(packet: SubscribePacket): Uint8Array {
  const { packetId, subscriptionIdentifier, subscriptions } = packet;
  const properties = subscriptionIdentifier === null ? {} : { subscriptionIdentifier };
  const asForeign = subscriptions.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) => ({
    topic: filter,
    qos,
    nl: noLocal,
    rap: retainAsPublished,
    rh: retainHandling,
  }));
  return generate({ cmd: "subscribe", messageId: packetId, subscriptions: asForeign, properties }, 5);
}

/** UNSUBSCRIBE for the link. */
export function writeUnsubscribe({ packetId, filters }: UnsubscribePacket): Uint8Array {
  return generate({ cmd: "unsubscribe", messageId: packetId, unsubscriptions: [...filters] }, 5);
}

/** A client's DISCONNECT for the link. */
export function writeDisconnectFromClient({ reasonCode, sessionExpiryInterval }: DisconnectPacket): Uint8Array {
  const properties = sessionExpiryInterval === null ? {} : { sessionExpiryInterval };
  return generate({ cmd: "disconnect", reasonCode, properties }, 5);
}

function generate(packet: ForeignPacket, protocolVersion: ProtocolVersion): Uint8Array {
  return mqttPacket.generate(packet as never, { protocolVersion });
}
