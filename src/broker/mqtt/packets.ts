// Packets as the broker speaks of them: what a client may send, parsed and checked. Whatever its version was, a packet
// here has the meaning of MQTT 5.0. PUBLISH stays in its bytes (publish.ts).

import type { Publish } from "./publish.ts";
import type { ReasonCode } from "./reason-codes.ts";

export type QoS = 0 | 1 | 2;
/** Protocol levels of MQTT 3.1, 3.1.1 and 5.0. */
export type ProtocolVersion = 3 | 4 | 5;
export type UserProperties = readonly (readonly [name: string, value: string])[];

/** CONNECT, 5.0 section 3.1. */
export interface ConnectPacket {
  readonly type: "connect";
  readonly protocolVersion: ProtocolVersion;
  readonly clientId: string;
  /** Clean Session for 3.1 and 3.1.1. */
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly username: string | null;
  readonly password: Uint8Array | null;
  /** Seconds; null when absent (5.0: 0). */
  readonly sessionExpiryInterval: number | null;
  readonly receiveMaximum: number;
  /** Bytes; null when absent: no limit. */
  readonly maximumPacketSize: number | null;
  readonly topicAliasMaximum: number;
  readonly requestResponseInformation: boolean;
  readonly requestProblemInformation: boolean;
  readonly authenticationMethod: string | null;
  readonly authenticationData: Uint8Array | null;
  readonly userProperties: UserProperties;
  readonly will: Will | null;
}

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Seconds. */
  readonly delayInterval: number;
  /** The will's publish properties as 5.0 property bytes, without the delay and without their length. */
  readonly properties: Uint8Array;
}

export interface Subscription {
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

/** SUBSCRIBE, 5.0 section 3.8. Whether a filter is well-formed is for the session to judge: it is refused alone. */
export interface SubscribePacket {
  readonly type: "subscribe";
  readonly packetId: number;
  readonly subscriptionIdentifier: number | null;
  readonly subscriptions: readonly Subscription[];
}

/** UNSUBSCRIBE, 5.0 section 3.10. */
export interface UnsubscribePacket {
  readonly type: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP, 5.0 sections 3.4 to 3.7. */
export interface Acknowledgement {
  readonly type: "puback" | "pubrec" | "pubrel" | "pubcomp";
  readonly packetId: number;
  readonly reasonCode: number;
}

export interface PingreqPacket {
  readonly type: "pingreq";
}

/** DISCONNECT, 5.0 section 3.14. */
export interface DisconnectPacket {
  readonly type: "disconnect";
  readonly reasonCode: number;
  /** Seconds; null when absent: as in CONNECT. */
  readonly sessionExpiryInterval: number | null;
}

/** AUTH, 5.0 section 3.15. */
export interface AuthPacket {
  readonly type: "auth";
  readonly reasonCode: number;
  readonly authenticationMethod: string | null;
  readonly authenticationData: Uint8Array | null;
}

/** What a client may send. */
export type ClientPacket =
  | ConnectPacket
  | Publish
  | Acknowledgement
  | SubscribePacket
  | UnsubscribePacket
  | PingreqPacket
  | DisconnectPacket
  | AuthPacket;

/** What the server says of itself in CONNACK, 5.0 section 3.2.2.3. Undefined properties are left out. */
export interface ConnackFields {
  readonly sessionPresent: boolean;
  readonly reasonCode: ReasonCode;
  readonly reasonString?: string;
  /** Seconds, when it differs from what the client asked. */
  readonly sessionExpiryInterval?: number;
  readonly receiveMaximum?: number;
  readonly maximumQos?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly maximumPacketSize?: number;
  readonly assignedClientIdentifier?: string;
  readonly topicAliasMaximum?: number;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifiersAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
  /** Seconds, when the server sets another one. */
  readonly serverKeepAlive?: number;
  readonly responseInformation?: string;
  readonly authenticationMethod?: string;
  /** Text: what every method that is served says is text. */
  readonly authenticationData?: string;
}
