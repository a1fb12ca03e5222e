// What a client publishes at QoS 1 and awaits: acknowledged in the order of arrival, each when its routing is safe.

import { writeAcknowledgement } from "../mqtt/acknowledgement.ts";
import type { Publish } from "../mqtt/publish.ts";
import { reasonCodes } from "../mqtt/reason-codes.ts";
import type { Effect } from "./effects.ts";

/** A publish whose outcome is awaited. */
export interface InboundPublish {
  readonly inbound: Inbound;
  readonly packetId: number;
  /** Null until it is routed. */
  reasonCode: number | null;
}

export class Inbound {
  readonly #session: number;
  readonly #receiveMaximum: number;
  #awaiting: InboundPublish[] = [];

  /** `receiveMaximum`: how many unacknowledged publishes the server takes. */
  constructor(session: number, receiveMaximum: number) {
    this.#session = session;
    this.#receiveMaximum = receiveMaximum;
  }

  get size(): number {
    return this.#awaiting.length;
  }

  /** A PUBLISH of QoS 0 or 1 from the client. */
  receive(publish: Publish, effects: Effect[]): void {
    if (publish.qos === 0) {
      effects.push({ type: "route", session: this.#session, publish, inbound: null });
      return;
    }
    if (this.#awaiting.length >= this.#receiveMaximum) {
      // [MQTT-3.3.4-9]
      const { receiveMaximumExceeded } = reasonCodes;
      effects.push({
        type: "end",
        session: this.#session,
        reasonCode: receiveMaximumExceeded,
        reasonString: `more than ${this.#receiveMaximum} unacknowledged messages`,
      });
      return;
    }
    const inbound: InboundPublish = { inbound: this, packetId: publish.packetId, reasonCode: null };
    this.#awaiting.push(inbound);
    effects.push({ type: "route", session: this.#session, publish, inbound });
  }

  /** The outcome of a publish: PUBACKs go out in the order in which the publishes came. [MQTT-4.6.0-2] */
  routed(publish: InboundPublish, reasonCode: number, effects: Effect[]): void {
    publish.reasonCode = reasonCode;
    let acknowledged = 0;
    for (const { packetId, reasonCode: code } of this.#awaiting) {
      if (code === null) break;
      effects.push({
        type: "send",
        session: this.#session,
        packet: writeAcknowledgement("puback", packetId, code, 5),
      });
      acknowledged += 1;
    }
    if (acknowledged > 0) this.#awaiting.splice(0, acknowledged);
  }

  /** The connection is gone: nobody awaits an outcome any more. */
  clear(): void {
    this.#awaiting = [];
  }
}
