// One session: what MQTT keeps for a client id, as a state machine. Events go in, effects come out; the only thing it
// touches is the store that it was given. Subscriptions are the shard's, since they are looked up by topic.

import type { Acknowledgement } from "../mqtt/packets.ts";
import type { Publish } from "../mqtt/publish.ts";
import type { ClientBounds } from "./client-room.ts";
import type { Effect } from "./effects.ts";
import type { Handshakes } from "./handshakes.ts";
import type { InboundLimits } from "./inbound.ts";
import { Inbound } from "./inbound.ts";
import type { OutboundLimits } from "./outbound.ts";
import { Outbound } from "./outbound.ts";
import { publisherOf } from "./publisher.ts";
import type { SessionStore } from "./session-store.ts";
import type { OutboundState } from "./stored-queue.ts";

export interface SessionOptions {
  /** New at each clean start; names the session in the store. */
  readonly uid: number;
  readonly clientId: string;
  readonly store: SessionStore;
  readonly state: OutboundState;
  readonly limits: OutboundLimits;
  readonly inboundLimits: InboundLimits;
  /** Of QoS 2, from the session's earlier life. */
  readonly handshakes: Handshakes;
}

/** Reason codes from here on refuse. */
const REFUSED = 0x80;

export type SessionEvent =
  /** The client connected: a new connection, so unacknowledged messages are sent again. */
  | { type: "connected"; client: ClientBounds }
  /** The connection outlived the shard's memory. */
  | { type: "resumed"; client: ClientBounds; cursor: number }
  /** The connection is gone; `keep`: the session outlives it. */
  | { type: "disconnected"; keep: boolean }
  | { type: "publish"; publish: Publish }
  | { type: "acknowledgement"; packet: Acknowledgement }
  /** Whether the link takes PUBLISH. */
  | { type: "credit"; available: boolean }
  /** Something was stored for the session. */
  | { type: "stored" };

export class Session {
  readonly uid: number;
  readonly clientId: string;
  /** The client as a publisher. */
  readonly publisher: number;
  readonly outbound: Outbound;
  readonly inbound: Inbound;
  connected = false;

  constructor(options: SessionOptions) {
    this.uid = options.uid;
    this.clientId = options.clientId;
    this.publisher = publisherOf(options.clientId);
    const { uid, store, limits, state, handshakes, inboundLimits } = options;
    this.outbound = new Outbound(uid, store, limits, state, handshakes.released);
    this.inbound = new Inbound(this, inboundLimits, handshakes.awaitingRelease);
  }

  /** What of QoS 2 must outlive the memory. */
  get handshakes(): Handshakes {
    return { awaitingRelease: this.inbound.awaitingRelease, released: this.outbound.released };
  }

  /** Handles one event at `now` (epoch milliseconds); what is to be done outside is added to `effects`. */
  handle(event: SessionEvent, now: number, effects: Effect[]): void {
    switch (event.type) {
      case "connected":
        this.connected = true;
        this.outbound.connect(event.client, now, effects);
        return;
      case "resumed":
        this.connected = true;
        this.outbound.resume(event.client, event.cursor, now, effects);
        return;
      case "disconnected":
        this.connected = false;
        this.inbound.clear();
        this.outbound.disconnect(event.keep, effects);
        return;
      case "publish":
        this.inbound.receive(event.publish, effects);
        return;
      case "acknowledgement":
        this.#acknowledgement(event.packet, now, effects);
        return;
      case "credit":
        this.outbound.client.blocked = !event.available;
        if (event.available) this.outbound.drain(now, effects);
        return;
      case "stored":
        this.outbound.stored(now, effects);
        return;
      default:
        event satisfies never;
    }
  }

  #acknowledgement(packet: Acknowledgement, now: number, effects: Effect[]): void {
    const { packetId, reasonCode } = packet;
    switch (packet.type) {
      case "puback":
        this.outbound.acknowledge(packetId, 1, now, effects);
        return;
      case "pubrec":
        if (reasonCode >= REFUSED) this.outbound.acknowledge(packetId, 2, now, effects);
        else this.outbound.received(packetId, effects);
        return;
      case "pubrel":
        this.inbound.release(packetId, effects);
        return;
      case "pubcomp":
        this.outbound.complete(packetId, now, effects);
        return;
      default:
        packet.type satisfies never;
    }
  }
}
