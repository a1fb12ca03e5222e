// What a client publishes: at QoS 1 acknowledged in the order of arrival, each when its routing is safe; at QoS 2 taken
// once, acknowledged when it is durable, and remembered until the client releases it. MQTT 5.0 section 4.3.

import { writeAcknowledgement } from "../mqtt/acknowledgement.ts";
import type { Publish } from "../mqtt/publish.ts";
import { reasonCodes } from "../mqtt/reason-codes.ts";
import type { Effect } from "./effects.ts";

/** A publish of QoS 1 whose outcome is awaited. */
export interface InboundPublish {
  readonly inbound: Inbound;
  readonly packetId: number;
  /** Null until it is routed. */
  reasonCode: number | null;
}

/** How many unacknowledged publishes the server takes. */
export interface InboundLimits {
  readonly receiveMaximum: number;
  readonly awaitingReleaseMax: number;
}

export class Inbound {
  readonly #session: number;
  readonly #publisher: number;
  limits: InboundLimits;
  #awaiting: InboundPublish[] = [];
  /** Packet ids of QoS 2 messages that are not released; false: it is not told yet whether one was taken. */
  readonly #awaitingRelease: Map<number, boolean>;

  /** `awaitingRelease`: of an earlier life of the session. */
  constructor(
    { uid, publisher }: { uid: number; publisher: number },
    limits: InboundLimits,
    awaitingRelease: readonly number[],
  ) {
    this.#session = uid;
    this.#publisher = publisher;
    this.limits = limits;
    this.#awaitingRelease = new Map(awaitingRelease.map((id) => [id, true]));
  }

  /** Publishes of QoS 1 whose outcome is awaited. */
  get size(): number {
    return this.#awaiting.length;
  }

  get awaitingRelease(): readonly number[] {
    return Array.from(this.#awaitingRelease.keys());
  }

  /** A PUBLISH from the client. */
  receive(publish: Publish, effects: Effect[]): void {
    const { packetId, qos } = publish;
    if (qos === 0) {
      effects.push({ type: "route", session: this.#session, publisher: this.#publisher, publish, inbound: null });
      return;
    }
    const taken = this.#awaitingRelease.get(packetId);
    if (qos === 2 && taken !== undefined) {
      if (taken) this.#answer("pubrec", packetId, reasonCodes.success, effects); // [MQTT-4.3.3-10]
      return;
    }
    const inUse = qos === 2 ? this.#awaiting.some((each) => each.packetId === packetId) : taken !== undefined;
    if (inUse) {
      // [MQTT-2.2.1-4]
      this.#answer(qos === 2 ? "pubrec" : "puback", packetId, reasonCodes.packetIdentifierInUse, effects);
      return;
    }
    const { receiveMaximum, awaitingReleaseMax } = this.limits;
    if (qos === 2 && this.#awaitingRelease.size >= awaitingReleaseMax) {
      this.#tooMany(`more than ${awaitingReleaseMax} messages of QoS 2 that are not released`, effects);
      return;
    }
    if (this.#awaiting.length + this.#awaitingRelease.size >= receiveMaximum) {
      this.#tooMany(`more than ${receiveMaximum} unacknowledged messages`, effects); // Section 3.3.4: 0x93 [MQTT-3.3.4-7]
      return;
    }
    if (qos === 2) {
      this.#awaitingRelease.set(packetId, false);
      effects.push({ type: "take", session: this.#session, publisher: this.#publisher, publish, inbound: this });
      return;
    }
    const inbound: InboundPublish = { inbound: this, packetId, reasonCode: null };
    this.#awaiting.push(inbound);
    effects.push({ type: "route", session: this.#session, publisher: this.#publisher, publish, inbound });
  }

  /** The outcome of a publish: PUBACKs go out in the order in which the publishes came. [MQTT-4.6.0-2] */
  routed(publish: InboundPublish, reasonCode: number, effects: Effect[]): void {
    publish.reasonCode = reasonCode;
    let acknowledged = 0;
    for (const { packetId, reasonCode: code } of this.#awaiting) {
      if (code === null) break;
      this.#answer("puback", packetId, code, effects);
      acknowledged += 1;
    }
    if (acknowledged > 0) this.#awaiting.splice(0, acknowledged);
  }

  /** A message of QoS 2 was taken (`reasonCode` success), or was not. [MQTT-4.3.3-8] [MQTT-4.6.0-3] */
  taken(packetId: number, reasonCode: number, effects: Effect[]): void {
    if (reasonCode === reasonCodes.success) this.#awaitingRelease.set(packetId, true);
    else this.#awaitingRelease.delete(packetId);
    this.#answer("pubrec", packetId, reasonCode, effects);
    if (reasonCode === reasonCodes.success) effects.push({ type: "keep", session: this.#session });
  }

  /** PUBREL: its packet id may stand for another message now. [MQTT-4.3.3-11] */
  release(packetId: number, effects: Effect[]): void {
    if (!this.#awaitingRelease.delete(packetId)) {
      this.#answer("pubcomp", packetId, reasonCodes.packetIdentifierNotFound, effects);
      return;
    }
    effects.push({ type: "keep", session: this.#session });
    this.#answer("pubcomp", packetId, reasonCodes.success, effects);
  }

  /** The connection is gone: nobody awaits an outcome any more. */
  clear(): void {
    this.#awaiting = [];
  }

  #tooMany(reasonString: string, effects: Effect[]): void {
    const reasonCode = reasonCodes.receiveMaximumExceeded;
    effects.push({ type: "end", session: this.#session, reasonCode, reasonString });
  }

  #answer(type: "puback" | "pubrec" | "pubcomp", packetId: number, reasonCode: number, effects: Effect[]): void {
    effects.push({ type: "send", session: this.#session, packet: writeAcknowledgement(type, packetId, reasonCode, 5) });
  }
}
