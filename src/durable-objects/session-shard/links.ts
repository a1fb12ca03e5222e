// The links of the clients that are connected, found by uid, client id or socket. Sockets outlive the object's memory:
// each is met again when it is first asked for, or when all are.

import { limits } from "../../broker/limits.ts";
import { LazyTimer } from "../../platform/lazy-timer.ts";
import type { Link } from "./link.ts";
import type { LinkAttachment } from "./link-attachment.ts";
import { readAttachment } from "./link-attachment.ts";

const TAG_LENGTH_MAX = 200;
/** Tag of every link. */
const ALL_TAG = "link";

export interface LinksPorts {
  /** The open sockets that carry this tag. */
  sockets(tag: string): WebSocket[];
  /** Makes and adds the link of a socket of before the object lost its memory. */
  resume(socket: WebSocket, attachment: LinkAttachment): Link;
}

export class Links {
  /** Those that have something to send at the end of this event. */
  readonly dirty: Link[] = [];
  /** Those whose PUBACKs wait for more of them. */
  readonly #waiting = new Set<Link>();
  readonly #waited = new LazyTimer(limits.pubackWaitMs, () => this.#flushWaiting());
  readonly #ports: LinksPorts;
  readonly #byUid = new Map<number, Link>();
  readonly #byClientId = new Map<string, Link>();
  /** Null: it was ended before the object lost its memory. */
  readonly #bySocket = new WeakMap<WebSocket, Link | null>();
  /** Sockets of before the object lost its memory that were not met yet. One that has just closed is none of them. */
  readonly #unmet: Set<WebSocket>;
  #transient = 0;

  constructor(ports: LinksPorts) {
    this.#ports = ports;
    this.#unmet = new Set(ports.sockets(ALL_TAG));
  }

  /** Connected clients. */
  get count(): number {
    return this.#byUid.size + this.#unmet.size;
  }

  /** Those met since the object woke whose session has no row. */
  get transient(): number {
    return this.#transient;
  }

  /** All links, those that were not met yet too. */
  all(): Iterable<Link> {
    for (const socket of this.#unmet) this.ofSocket(socket);
    return this.#byUid.values();
  }

  /** The link of an open socket; null if it was ended. */
  ofSocket(socket: WebSocket): Link | null {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known === null || known.closed ? null : known;
    this.#unmet.delete(socket);
    const attachment = readAttachment(socket.deserializeAttachment());
    if (attachment !== null) return this.#ports.resume(socket, attachment);
    this.#bySocket.set(socket, null);
    return null;
  }

  byUid(uid: number): Link | null {
    return this.#byUid.get(uid) ?? this.#meet(uidTag(uid), (link) => link.session.uid === uid);
  }

  byClientId(clientId: string): Link | null {
    const known = this.#byClientId.get(clientId);
    return known ?? this.#meet(clientTag(clientId), (link) => link.attachment.attach.clientId === clientId);
  }

  add(link: Link): void {
    this.#byUid.set(link.session.uid, link);
    this.#byClientId.set(link.attachment.attach.clientId, link);
    this.#bySocket.set(link.socket, link);
    if (!link.attachment.stored) this.#transient += 1;
  }

  /** False: it is not the link of its session any more. */
  remove(link: Link): boolean {
    const { session, attachment } = link;
    if (this.#byUid.get(session.uid) !== link) return false;
    this.#byUid.delete(session.uid);
    this.#byClientId.delete(attachment.attach.clientId);
    if (!attachment.stored) this.#transient -= 1;
    return true;
  }

  /** The session of this link gets a row. */
  markStored(link: Link): void {
    link.attachment.stored = true;
    this.#transient -= 1;
  }

  /** Sends what was collected for each client in this event, as one frame a link. PUBACKs of a client that has more under way
   *  wait for those: a frame is what they cost. */
  flush(): void {
    for (const link of this.dirty) {
      if (link.defer()) {
        this.#waiting.add(link);
        continue;
      }
      this.#waiting.delete(link);
      link.flush();
    }
    this.dirty.length = 0;
    if (this.#waiting.size > 0) this.#waited.arm();
  }

  #flushWaiting(): boolean {
    for (const link of this.#waiting) link.flush();
    this.#waiting.clear();
    return false;
  }

  #meet(tag: string, is: (link: Link) => boolean): Link | null {
    if (this.#unmet.size === 0) return null;
    for (const socket of this.#ports.sockets(tag)) {
      const link = this.ofSocket(socket);
      if (link !== null && is(link)) return link;
    }
    return null;
  }
}

/** The tags of a link's socket, by which it is met again. */
export function linkTags({ uid, attach }: LinkAttachment): string[] {
  return [ALL_TAG, uidTag(uid), clientTag(attach.clientId)];
}

function uidTag(uid: number): string {
  return `u${uid}`;
}

/** A tag has a bound of its own; longer client ids share one and are told apart by the attachment. */
function clientTag(clientId: string): string {
  return `c${clientId.slice(0, TAG_LENGTH_MAX)}`;
}
