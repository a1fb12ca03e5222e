// The link: one WebSocket from the edge to the session shard of a client, opened by a GET with `Upgrade: websocket`
// on LINK_URL and the attach in a header, so that a connect is one event of the shard. Version 1, additive: unknown
// fields are ignored, a type that the edge does not know ends the link.
//
//   header ATTACH_HEADER   `Attach` as ASCII JSON (attachHeader)
//   answer 101             with ATTACHED_HEADER: `Attached` as JSON, or without it for one that says nothing but `false`;
//                          data may follow at once
//   answer 4xx, JSON body  `Refused` (403) or `Stale` (409); anything else: the shard is unavailable
//   text, edge -> shard    HEARTBEAT, which the platform answers by itself with HEARTBEAT; `DroppedFrame` (JSON). What
//                          else it may be is passed over
//   text, shard -> edge    `ConfigFrame`, `PrincipalFrame` (JSON); HEARTBEAT
//   binary, both ways      data: u8 version, u32 big-endian credit (bytes now confirmed to the other side), then whole
//                          MQTT 5.0 packets, any number. A data frame without packets only returns credit.
//
// The window counts the bytes behind the header. Each side starts with `limits.linkWindowBytes`, may send a PUBLISH
// while its credit is above zero (so one packet may overdraw it), and confirms what it took at half use or on data that
// travels anyway. Acknowledgements and control packets need no credit, but count.
// A client's DISCONNECT travels as a packet before the close. The shard ends a client by a DISCONNECT packet, which
// the edge passes on and closes. Whoever closes says why with a code of `linkClose`.

import { z } from "zod";
import type { DeploymentConfig } from "./deployment-config.ts";

export const LINK_VERSION = 1;
export const LINK_URL = "https://session-shard/link";
export const ATTACH_HEADER = "fulmar-attach";
export const ATTACHED_HEADER = "fulmar-attached";
export const LINK_HEADER_BYTES = 5;
export const HEARTBEAT = "h";

const BEYOND_ASCII = /[\u007f-\uffff]/;
const ALL_BEYOND_ASCII = /[\u007f-\uffff]/g;

/** Close codes of a link, for each cause. */
export const linkClose = {
  /** The device closed or its socket broke. */
  deviceGone: 4000,
  /** The device was silent for one and a half keep alives [MQTT-3.1.2-22]. */
  keepAlive: 4001,
  /** The service's own doing: a deploy, a CPU budget, an error of ours. */
  ours: 4002,
  /** The shard ended the client; a DISCONNECT packet told the reason. */
  ended: 4003,
  /** The device was ended by the edge for a fault of its own (protocol error, malformed packet, quota). */
  fault: 4004,
} as const;

/** What the edge asks for when it opens a link. */
export interface Attach {
  v: 1;
  clientId: string;
  protocolVersion: 3 | 4 | 5;
  cleanStart: boolean;
  /** Seconds, already bounded by the deployment's settings; 0xFFFFFFFF never expires. */
  sessionExpiryInterval: number;
  keepAliveSeconds: number;
  /** How many unacknowledged QoS 1 and 2 messages the client takes [MQTT-3.3.4-9]. */
  receiveMaximum: number;
  /** Largest packet the client takes, bytes, or null [MQTT-3.1.2-24]. */
  maximumPacketSize: number | null;
  requestProblemInformation: boolean;
  username: string | null;
  isSuperuser: boolean;
  /** The device's address, without port. */
  peerAddress: string;
  /** Serial of the config that the edge judged by; a shard refuses an older one. */
  configVersion: number;
  /** The revision of users that the edge judged by; a shard refuses one older than a change of this user. */
  principalRevision: number;
  /** Absent: none. */
  will?: AttachedWill;
}

/** A client's Will Message, section 3.1.2.5 of 5.0. */
export interface AttachedWill {
  /** A normalised PUBLISH of 5.0, in base64; or the name under which the shard keeps it, because it is large. */
  packet: string | { keptAs: string };
  /** Seconds. */
  delayInterval: number;
}

/** The link stands. */
export interface Attached {
  v: 1;
  sessionPresent: boolean;
  /** Messages of QoS 2 that the session has taken and the client has not released; absent: none. */
  awaitingRelease?: readonly number[];
}

/** The client may not connect. */
export interface Refused {
  v: 1;
  /** Reason code for CONNACK. */
  reasonCode: number;
  reasonString?: string;
}

/** The edge judged by something old: it forgets what it has cached, takes `config` if given, and judges again. */
export interface Stale {
  v: 1;
  config?: DeploymentConfig;
  /** The session moves to another shard just now: the edge asks again in a moment. */
  moving?: true;
}

/** A newer config, to be used from now on. */
export interface ConfigFrame {
  v: 1;
  type: "config";
  config: DeploymentConfig;
}

/** A user changed: what is cached of it is to be dropped. */
export interface PrincipalFrame {
  v: 1;
  type: "principal";
  username: string;
  revision: number;
}

export type ShardFrame = ConfigFrame | PrincipalFrame;

const droppedFrameSchema = z.object({
  v: z.literal(1),
  type: z.literal("dropped"),
  /** Those since the last such frame. */
  messages: z.number().int().positive(),
});

/** The edge dropped messages of QoS 0, since they came faster than the shard took them. It is told when that is over, or
 *  with the next beat or the close; a link that breaks takes the number with it. */
export type DroppedFrame = z.infer<typeof droppedFrameSchema>;

export type EdgeFrame = DroppedFrame;

/** A data frame: `credit` is given back, `packets` of `byteLength` bytes together follow. */
export function writeDataFrame(credit: number, packets: readonly Uint8Array[], byteLength: number): Uint8Array {
  const frame = new Uint8Array(LINK_HEADER_BYTES + byteLength);
  frame[0] = LINK_VERSION;
  new DataView(frame.buffer).setUint32(1, credit);
  let at = LINK_HEADER_BYTES;
  for (const packet of packets) {
    frame.set(packet, at);
    at += packet.length;
  }
  return frame;
}

/** The bytes that a data frame confirms. Throws a RangeError for a frame of another version. */
export function readCredit(frame: DataView): number {
  if (frame.getUint8(0) !== LINK_VERSION) throw new RangeError("link: unknown version");
  return frame.getUint32(1);
}

/** A text frame of the edge. Null: the heartbeat, a frame of a later release, or none at all; never throws. */
export function readEdgeFrame(text: string): EdgeFrame | null {
  try {
    return droppedFrameSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** The value of ATTACH_HEADER: JSON with everything beyond ASCII escaped. */
export function attachHeader(attach: Attach): string {
  const json = JSON.stringify(attach);
  if (!BEYOND_ASCII.test(json)) return json;
  return json.replace(ALL_BEYOND_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
