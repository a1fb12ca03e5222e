// PUBLISH, MQTT 5.0 section 3.3, kept in its bytes: read into offsets, forwarded by copying and patching, never rebuilt.

import type { QoS } from "./packets.ts";

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
}
