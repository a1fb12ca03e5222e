// Clients that come and go: judged, given their session, taken over, ended, gone.

import { limits } from "../../broker/limits.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { writeHandshakes } from "../../broker/session/handshakes.ts";
import { SLOTS } from "../../broker/topics/slots.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { Attach, Refused } from "../../contracts/link.ts";
import type { LinkAttachment } from "./link-attachment.ts";
import { Link } from "./link.ts";
import type { Links } from "./links.ts";
import { linkTags } from "./links.ts";
import type { SessionRecords } from "./session-records.ts";
import type { Sessions } from "./sessions.ts";
import type { Shares } from "./shares.ts";
import type { StorageBound } from "./storage-bound.ts";
import type { Wills } from "./wills.ts";
import type { WriteBehindStore } from "./write-behind-store.ts";

export interface ClientPorts {
  links: Links;
  sessions: Sessions;
  records: SessionRecords;
  storage: StorageBound;
  wills: Wills;
  shares: Shares;
  store: WriteBehindStore;
  effects: Effect[];
  config(): DeploymentConfig;
  /** The slots of this shard, which has as much of what the plan allows. */
  slots(): number[];
  now(): number;
  /** The uid of a new session of a client. */
  newUid(): number;
  /** Expires sessions at that time at the latest. */
  expireAt(at: number): void;
}

/** Bytes of handshakes that a socket's attachment may hold: it has a bound of its own. */
const ATTACHMENT_BYTES = 8_192;

/** Reasons that are the service's own doing. */
const ours: ReadonlySet<string> = new Set(["server_shutdown", "internal_error"]);

/** What a client that may connect is given. */
export interface Attachable {
  sessionPresent: boolean;
  attachment: LinkAttachment;
  /** Of its link's socket. */
  tags: string[];
}

export class Clients {
  readonly #ports: ClientPorts;

  constructor(ports: ClientPorts) {
    this.#ports = ports;
  }

  /** Judges a client and finds or makes its session. A client of the same id is taken over. */
  attach(attach: Attach): Refused | Attachable {
    const { links, sessions, records, wills, now, newUid } = this.#ports;
    wills.recover(links.count);
    const rival = links.byClientId(attach.clientId);
    if (rival !== null && !this.#mayTakeOver(attach, rival)) {
      return { v: 1, reasonCode: reasonCodes.clientIdentifierNotValid, reasonString: "the client id is connected" };
    }
    // [MQTT-3.1.4-3]
    if (rival !== null) this.end(rival, reasonCodes.sessionTakenOver, "another client took over", "takenover");
    if (links.count >= limits.connectionsPerShard) {
      return { v: 1, reasonCode: reasonCodes.serverBusy, reasonString: "no room for more connections" };
    }
    let record = sessions.offlineRecord(attach.clientId);
    if (record !== null && attach.cleanStart) {
      sessions.discard(record.uid); // [MQTT-3.1.2-4]
      record = null;
    }
    const refused = record === null ? this.#noRoom(attach) : null;
    if (refused !== null) return refused;
    const at = now();
    const attachment: LinkAttachment = {
      uid: record?.uid ?? newUid(),
      attach,
      connectedAt: at,
      createdAt: record?.created_at ?? at,
      stored: record !== null || attach.sessionExpiryInterval > 0,
      sentUpTo: record?.sent_up_to ?? 0,
      cursor: undefined,
      handshakes: undefined,
    };
    if (attachment.stored) records.connected(attachment, record !== null);
    wills.set(attachment.uid, attach.clientId, attach.will);
    delete attach.will; // It is stored, and may be large.
    return { sessionPresent: record !== null, attachment, tags: linkTags(attachment) };
  }

  /** The socket of an attached client is open: what waits for it is sent. */
  connected(socket: WebSocket, attachment: LinkAttachment): void {
    const { links, sessions, shares, now, effects } = this.#ports;
    const session = sessions.takeOnline(attachment);
    const link = new Link(socket, attachment, session, links.dirty, false);
    links.add(link);
    session.handle({ type: "connected", client: attachment.attach }, now(), effects);
    link.save();
    if (attachment.stored) shares.tell(attachment.uid);
  }

  /** The socket of a client is still open after the object lost its memory. */
  resume(socket: WebSocket, attachment: LinkAttachment): Link {
    const { links, sessions, now, effects } = this.#ports;
    const session = sessions.load(attachment);
    const link = new Link(socket, attachment, session, links.dirty, true);
    links.add(link);
    const { attach: client, cursor = attachment.sentUpTo } = attachment;
    session.handle({ type: "resumed", client, cursor }, now(), effects);
    return link;
  }

  /** A transient session got something to keep. */
  store(link: Link): void {
    if (link.attachment.stored) return;
    this.#ports.links.markStored(link);
    this.#ports.records.connected(link.attachment, false);
    link.save();
  }

  /** Makes a session's handshakes of QoS 2 durable, and that their messages are gone: in its row if it outlives its connection,
   *  else with the socket, which it does not outlive. */
  keepHandshakes(uid: number): void {
    const { links, sessions, records, store } = this.#ports;
    const link = links.byUid(uid);
    const session = link?.session ?? sessions.find(uid);
    if (session === null) return;
    const bytes = writeHandshakes(session.handshakes);
    if (link !== null) {
      const inAttachment = !link.lasting && (bytes?.length ?? 0) <= ATTACHMENT_BYTES;
      if (inAttachment || link.attachment.handshakes !== undefined) {
        link.attachment.handshakes = inAttachment ? (bytes ?? new Uint8Array()) : undefined;
        link.save();
      }
      if (inAttachment) return;
      this.store(link);
    }
    store.commit();
    records.keepHandshakes(uid, bytes);
  }

  /** Ends a client: DISCONNECT with this reason, then as if it had gone. */
  end(link: Link, reasonCode: ReasonCode, reasonString: string, reason: string): void {
    link.end(reasonCode, reasonString, reason);
    this.detach(link, reason);
  }

  /** The client is gone: its session waits, or ends with the connection. */
  detach(link: Link, cause: string): void {
    const { links, sessions, records, wills, shares, effects } = this.#ports;
    const { session, attachment, farewell } = link;
    if (!links.remove(link)) return;
    const expiryInterval = farewell?.sessionExpiryInterval ?? attachment.attach.sessionExpiryInterval;
    const keep = expiryInterval > 0;
    const now = this.#ports.now();
    const reason = farewell?.reason ?? cause;
    session.handle({ type: "disconnected", keep }, now, effects);
    if (farewell?.discardsWill === true) wills.forget(session.uid);
    else wills.left(session.uid, { sessionExpiryInterval: expiryInterval, ours: ours.has(reason) });
    if (!keep) {
      if (attachment.stored) sessions.discard(session.uid);
      return;
    }
    if (attachment.stored) shares.tell(session.uid);
    else records.connected(attachment, false);
    sessions.keepOffline(session);
    const { sentUpTo, dropped } = session.outbound;
    const expiresAt = records.disconnected(session.uid, { reason, expiryInterval, sentUpTo, dropped, now });
    session.outbound.dropped = 0;
    if (expiresAt !== null) this.#ports.expireAt(expiresAt);
  }

  /** Whether a client may take the place of one that is connected. */
  #mayTakeOver({ username }: Attach, rival: Link): boolean {
    const { duplicateClientId } = this.#ports.config().settings;
    if (duplicateClientId === "take_over") return true;
    return duplicateClientId === "same_user" && rival.attachment.attach.username === username;
  }

  /** Null: there is room for one more session. */
  #noRoom({ sessionExpiryInterval }: Attach): Refused | null {
    const { sessions, storage, config, slots } = this.#ports;
    const { sessionsMax } = config().limits;
    if (sessionsMax !== null && sessions.count >= Math.ceil((sessionsMax * slots().length) / SLOTS)) {
      return { v: 1, reasonCode: reasonCodes.quotaExceeded, reasonString: `more than ${sessionsMax} sessions` };
    }
    if (sessionExpiryInterval > 0 && storage.full) {
      return { v: 1, reasonCode: reasonCodes.quotaExceeded, reasonString: "no room for another session" };
    }
    return null;
  }
}
