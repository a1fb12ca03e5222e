// Performs the broker's effects at the end of each event: packets to the links, publishes to the topic shards.

import type { Publish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { InboundPublish } from "../../broker/session/inbound.ts";
import { log } from "../../platform/log.ts";
import type { Clients } from "./clients.ts";
import { DroppedMessages } from "./dropped-messages.ts";
import type { Intake } from "./intake.ts";
import type { Links } from "./links.ts";
import type { Outbox } from "./outbox.ts";
import type { SessionRecords } from "./session-records.ts";
import type { Shares } from "./shares.ts";
import type { WriteBehindStore } from "./write-behind-store.ts";

/** Reason codes from here on are of failures. */
const REFUSED = 0x80;

export interface EffectPerformerPorts {
  effects: Effect[];
  records: SessionRecords;
  store: WriteBehindStore;
  outbox: Outbox;
  shares: Shares;
  links: Links;
  clients: Clients;
  intake: Intake;
  /** Something failed: throws, and ends the object, if that was its storage. */
  failed(error: unknown): void;
}

export class EffectPerformer {
  /** Packets that were sent to clients. */
  sent = 0;
  /** Publishes that were answered with a reason code of failure. */
  messagesRefused = 0;
  /** Clients that were refused when they attached. */
  connectionsRefused = 0;
  readonly dropped = new DroppedMessages();
  readonly #effects: Effect[];
  readonly #links: Links;
  readonly #clients: Clients;
  readonly #intake: Intake;
  readonly #records: SessionRecords;
  readonly #store: WriteBehindStore;
  readonly #outbox: Outbox;
  readonly #shares: Shares;
  /** Sessions whose handshakes have changed in this event. */
  readonly #toKeep = new Set<number>();
  /** Sessions of which more was sent in this event. */
  readonly #toSave = new Set<number>();

  readonly #storageFailed: (error: unknown) => void;

  constructor({ effects, records, store, links, clients, intake, outbox, shares, failed }: EffectPerformerPorts) {
    this.#storageFailed = failed;
    this.#records = records;
    this.#store = store;
    this.#shares = shares;
    this.#outbox = outbox;
    this.#effects = effects;
    this.#links = links;
    this.#clients = clients;
    this.#intake = intake;
  }

  /** Performs the effects of this event and those that they cause, then sends one frame a link. */
  settle(): void {
    const effects = this.#effects;
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i];
      if (effect === undefined) continue;
      try {
        this.#perform(effect);
      } catch (error) {
        this.#failed(effect.session, error);
      }
    }
    effects.length = 0;
    this.#write();
    this.#links.flush();
    if (effects.length > 0) this.settle(); // Who could not be written down was ended.
  }

  /** What must be written before anything is sent. */
  #write(): void {
    try {
      this.#store.settle();
      this.#outbox.commit();
      this.#forEach(this.#toKeep, this.#keep);
      this.#forEach(this.#toSave, this.#save);
    } catch (error) {
      this.#storageFailed(error);
      throw error;
    }
  }

  /** What fails of one session ends its client, and holds up no other's. */
  #forEach(sessions: Set<number>, work: (session: number) => void): void {
    for (const session of sessions) {
      try {
        work(session);
      } catch (error) {
        this.#failed(session, error);
      }
    }
    sessions.clear();
  }

  readonly #keep = (session: number): void => this.#clients.keepHandshakes(session);

  readonly #save = (session: number): void => {
    const link = this.#links.byUid(session);
    if (link === null || link.closed) return;
    link.save();
    const { sharing, sentUpTo } = link.session.outbound;
    if (sharing) this.#records.sentUpTo(session, sentUpTo);
  };

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "send":
        this.sent += 1;
        this.#links.byUid(effect.session)?.collect(effect.packet);
        return;
      case "route":
        this.#route(effect.publisher, effect.publish, effect.inbound);
        return;
      case "end": {
        const link = this.#links.byUid(effect.session);
        if (link !== null) this.#clients.end(link, effect.reasonCode, effect.reasonString, "protocol_error");
        return;
      }
      case "take": {
        const { publish, publisher, inbound } = effect;
        const taken = this.#intake.take(publish, publisher);
        if (!taken) this.messagesRefused += 1;
        inbound.taken(publish.packetId, taken ? reasonCodes.success : reasonCodes.quotaExceeded, this.#effects);
        return;
      }
      case "keep":
        this.#toKeep.add(effect.session);
        return;
      case "save":
        this.#toSave.add(effect.session);
        return;
      case "giveBack":
        this.#shares.giveBack(effect.session, effect.share, effect.message);
        return;
      case "drop":
        this.dropped.add(effect.reason);
        return;
      default:
        effect satisfies never;
    }
  }

  #route(publisher: number, publish: Publish, inbound: InboundPublish | null): void {
    if (inbound === null) {
      if (!this.#intake.publish(publish, publisher, null)) this.dropped.add("inbound_full");
      return;
    }
    const routed = (reasonCode: number) => {
      if (reasonCode >= REFUSED) this.messagesRefused += 1;
      inbound.inbound.routed(inbound, reasonCode, this.#effects);
    };
    if (!this.#intake.publish(publish, publisher, { routed })) routed(reasonCodes.quotaExceeded);
  }

  /** A bug of ours ends one client, not the shard. */
  #failed(session: number, error: unknown): void {
    this.#storageFailed(error);
    log.error("an effect failed", { error });
    try {
      const link = this.#links.byUid(session);
      if (link !== null) this.#clients.end(link, reasonCodes.unspecifiedError, "internal error", "internal_error");
    } catch (again) {
      log.error("a client could not be ended", { error: again });
    }
  }
}
