// CONNECT and CONNACK: what can be judged without asking anybody, what is asked of the shard, and what the server says
// of itself.

import { limits } from "../../broker/limits.ts";
import { variableHeaderOffset } from "../../broker/mqtt/packet-reader.ts";
import type { ConnackFields, ConnectPacket, ProtocolVersion } from "../../broker/mqtt/packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { serialOf } from "../../contracts/deployment-config.ts";
import { SCRAM_SHA_256 } from "../authenticate/scram-exchange.ts";
import type { Attach, AttachedWill } from "../../contracts/link.ts";

const NEVER_EXPIRES = 0xffff_ffff;
/** Room for topic and properties beside the largest payload. */
const PACKET_OVERHEAD_BYTES = 64 * 1024;
const CONNECT = 1;
const ASSIGNED_ID_BYTES = 12;

export interface Refusal {
  readonly reasonCode: ReasonCode;
  readonly reasonString: string;
}

/** Why a CONNECT is refused whoever sent it, or null. */
export function refuseConnect(connect: ConnectPacket): Refusal | null {
  const { protocolVersion, clientId, cleanStart, username, authenticationMethod } = connect;
  // In 3.1 it has at least one character.
  if (clientId === "" && (protocolVersion === 3 || (protocolVersion === 4 && !cleanStart))) {
    return refusal("clientIdentifierNotValid", "an empty client id wants a clean session"); // [MQTT311-3.1.3-8]
  }
  if (isLonger(clientId, limits.clientIdBytes)) {
    return refusal("clientIdentifierNotValid", `a client id of more than ${limits.clientIdBytes} bytes`);
  }
  if (username !== null && isLonger(username, limits.usernameBytes)) {
    return refusal("badUserNameOrPassword", `a user name of more than ${limits.usernameBytes} bytes`);
  }
  if (authenticationMethod !== null && authenticationMethod !== SCRAM_SHA_256) {
    return refusal("badAuthenticationMethod", `the authentication method is not ${SCRAM_SHA_256}`); // [MQTT-4.12.0-1]
  }
  return null;
}

/** In which version to answer a CONNECT that could not be read; null: it gets no answer. `packet` is the first that
 *  came, or null if not even that was whole. */
export function answerVersionOf(packet: Uint8Array | null, reasonCode: ReasonCode): ProtocolVersion | null {
  if (packet === null || (packet[0] ?? 0) >> 4 !== CONNECT) return null; // [MQTT-3.1.0-1]
  const nameOffset = variableHeaderOffset(packet);
  const nameLength = ((packet[nameOffset] ?? 0) << 8) | (packet[nameOffset + 1] ?? 0);
  const level = packet[nameOffset + 2 + nameLength] ?? 0;
  if (level >= 5) return 5; // [MQTT-3.1.2-2]
  return reasonCode === reasonCodes.unsupportedProtocolVersion ? 4 : null; // [MQTT311-3.1.2-2] [MQTT311-3.1.4-1]
}

/** The client's id, or one that the server assigns. [MQTT-3.1.3-6] */
export function clientIdOf(connect: ConnectPacket): { clientId: string; assigned: boolean } {
  if (connect.clientId !== "") return { clientId: connect.clientId, assigned: false };
  const random = crypto.getRandomValues(new Uint8Array(ASSIGNED_ID_BYTES));
  return {
    clientId: `auto-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`,
    assigned: true,
  };
}

/** Seconds that the session outlives its connection, within the deployment's bounds. */
export function sessionExpiryOf(connect: ConnectPacket, { settings }: DeploymentConfig): number {
  const asked =
    connect.protocolVersion === 5
      ? (connect.sessionExpiryInterval ?? 0)
      : connect.cleanStart
        ? 0
        : settings.sessionExpirySecondsV3;
  return boundedExpiry(asked, settings.sessionExpirySecondsMax);
}

/** 0xFFFFFFFF means never and is bounded like any other, unless the deployment lets sessions live for ever. */
export function boundedExpiry(asked: number, maximum: number): number {
  return maximum === NEVER_EXPIRES ? asked : Math.min(asked, maximum);
}

/** Seconds between packets that the server demands; 0: none. */
export function keepAliveOf(connect: ConnectPacket, { settings }: DeploymentConfig): number {
  const { keepAliveSeconds } = connect;
  const bounded = connect.protocolVersion === 5 && settings.keepAliveSecondsMax < 65_535;
  if (!bounded) return keepAliveSeconds;
  return keepAliveSeconds === 0
    ? settings.keepAliveSecondsMax
    : Math.min(keepAliveSeconds, settings.keepAliveSecondsMax);
}

/** Largest packet that the deployment takes, bytes. */
export function packetBytesMax({ limits: plan }: DeploymentConfig): number {
  return Math.min(limits.packetBytes, plan.messageBytesMax + PACKET_OVERHEAD_BYTES);
}

export function attachOf(
  connect: ConnectPacket,
  clientId: string,
  config: DeploymentConfig,
  who: { username: string; isSuperuser: boolean; revision: number; peerAddress: string },
  will: AttachedWill | null,
): Attach {
  return {
    v: 1,
    clientId,
    protocolVersion: connect.protocolVersion,
    cleanStart: connect.cleanStart,
    sessionExpiryInterval: sessionExpiryOf(connect, config),
    keepAliveSeconds: keepAliveOf(connect, config),
    receiveMaximum: connect.receiveMaximum,
    maximumPacketSize: connect.maximumPacketSize,
    requestProblemInformation: connect.requestProblemInformation,
    username: who.username,
    isSuperuser: who.isSuperuser,
    peerAddress: who.peerAddress,
    configVersion: serialOf(config),
    principalRevision: who.revision,
    ...(will === null ? {} : { will }),
  };
}

/** What the server announces of itself, section 3.2.2.3. */
export function connackOf(
  connect: ConnectPacket,
  config: DeploymentConfig,
  session: { present: boolean; clientId: string; assignedClientId: string | null; authenticationData?: string | null },
): ConnackFields {
  const expiry = sessionExpiryOf(connect, config);
  const keepAlive = keepAliveOf(connect, config);
  return {
    sessionPresent: session.present,
    reasonCode: reasonCodes.success,
    ...(expiry === (connect.sessionExpiryInterval ?? 0) ? {} : { sessionExpiryInterval: expiry }),
    receiveMaximum: limits.serverReceiveMaximum,
    maximumPacketSize: packetBytesMax(config),
    ...(session.assignedClientId === null ? {} : { assignedClientIdentifier: session.assignedClientId }), // [MQTT-3.2.2-16]
    ...responseInformation(connect, config, session.clientId),
    ...authenticatedBy(connect, session.authenticationData ?? null),
    topicAliasMaximum: limits.topicAliasMaximum,
    ...(keepAlive === connect.keepAliveSeconds ? {} : { serverKeepAlive: keepAlive }), // [MQTT-3.2.2-21]
  };
}

/** Section 3.2.2.3.14: only who asks is told. [MQTT-3.1.2-28] */
function responseInformation(
  { requestResponseInformation }: ConnectPacket,
  { settings }: DeploymentConfig,
  clientId: string,
): Partial<ConnackFields> {
  if (!requestResponseInformation || settings.responseInformation === null) return {};
  return { responseInformation: settings.responseInformation.replaceAll("${clientid}", () => clientId) };
}

/** The end of an exchange is told with CONNACK. */
function authenticatedBy({ authenticationMethod }: ConnectPacket, data: string | null): Partial<ConnackFields> {
  if (authenticationMethod === null) return {};
  return data === null ? { authenticationMethod } : { authenticationMethod, authenticationData: data }; // [MQTT-4.12.0-5]
}

function refusal(name: keyof typeof reasonCodes, reasonString: string): Refusal {
  return { reasonCode: reasonCodes[name], reasonString };
}

function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;
}
