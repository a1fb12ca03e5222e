// One session: what MQTT keeps for a client id, as a state machine. Events go in, effects come out; the only thing it
// touches is the store that it was given. Subscriptions are the shard's, since they are looked up by topic.

import type { Acknowledgement } from "../mqtt/packets.ts";
import type { Publish } from "../mqtt/publish.ts";
import type { Effect } from "./effects.ts";
import { Inbound } from "./inbound.ts";
import type { ClientBounds, OutboundLimits } from "./outbound.ts";
import { Outbound } from "./outbound.ts";
import type { SessionStore } from "./session-store.ts";
import type { OutboundState } from "./stored-queue.ts";

export interface SessionOptions {
  /** New at each clean start; names the session in the store and as a publisher. */
  readonly uid: number;
  readonly clientId: string;
  readonly store: SessionStore;
  readonly state: OutboundState;
  readonly limits: OutboundLimits;
  /** Receive Maximum that the server announced. */
  readonly serverReceiveMaximum: number;
}

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
  readonly outbound: Outbound;
  readonly inbound: Inbound;
  connected = false;

  constructor(options: SessionOptions) {
    this.uid = options.uid;
    this.clientId = options.clientId;
    this.outbound = new Outbound(options.uid, options.store, options.limits, options.state);
    this.inbound = new Inbound(options.uid, options.serverReceiveMaximum);
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
        this.outbound.disconnect(event.keep);
        return;
      case "publish":
        this.inbound.receive(event.publish, effects);
        return;
      case "acknowledgement":
        if (event.packet.type === "puback") this.outbound.acknowledge(event.packet.packetId, now, effects);
        return;
      case "credit":
        this.outbound.blocked = !event.available;
        if (event.available) this.outbound.drain(now, effects);
        return;
      case "stored":
        this.outbound.stored(now, effects);
        return;
      default:
        event satisfies never;
    }
  }
}
