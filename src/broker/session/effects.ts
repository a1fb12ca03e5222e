// What a session wants done outside: data, performed by the shard that holds it.

import type { Publish } from "../mqtt/publish.ts";
import type { ReasonCode } from "../mqtt/reason-codes.ts";
import type { Inbound, InboundPublish } from "./inbound.ts";
import type { Message } from "./message.ts";

/** Why a message was not delivered to a session. */
export type DropReason = "queue_full" | "qos0_offline" | "no_credit" | "expired" | "too_large";

export type Effect =
  /** Send this MQTT 5.0 packet to the session's client. */
  | { type: "send"; session: number; packet: Uint8Array }
  /** Route this message of a publisher; `inbound` awaits the outcome, null at QoS 0. */
  | { type: "route"; session: number; publisher: number; publish: Publish; inbound: InboundPublish | null }
  /** Take this message of a publisher, of QoS 2, durably, to be routed once; `inbound` is told at once whether it was. */
  | { type: "take"; session: number; publisher: number; publish: Publish; inbound: Inbound }
  /** The session's handshakes of QoS 2 have changed: durable before anything of this event is sent. */
  | { type: "keep"; session: number }
  /** End the connection with a DISCONNECT. */
  | { type: "end"; session: number; reasonCode: ReasonCode; reasonString: string }
  /** What of the session was sent must outlive the memory now, since the store holds messages on both sides of it. */
  | { type: "save"; session: number }
  /** The share's group is to give this message, which the session had of it, to another member. */
  | { type: "giveBack"; session: number; share: string; message: Message }
  /** A message was dropped for this session alone. */
  | { type: "drop"; session: number; reason: DropReason };
