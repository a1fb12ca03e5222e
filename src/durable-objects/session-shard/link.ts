// The shard's end of one link: collects the packets of an event into one frame, keeps the window of both directions,
// and carries in the socket's attachment what must outlive the object's memory.

import { limits } from "../../broker/limits.ts";
import { writeDisconnect } from "../../broker/mqtt/server-packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import type { Session } from "../../broker/session/session.ts";
import type { ShardFrame } from "../../contracts/link.ts";
import { LINK_HEADER_BYTES, linkClose, readCredit, writeDataFrame } from "../../contracts/link.ts";
import type { Fixed, LinkAttachment } from "./link-attachment.ts";
import { fixedOf, writeAttachment } from "./link-attachment.ts";

const PUBLISH = 3;
const PUBACK = 4;

export class Link {
  readonly socket: WebSocket;
  readonly attachment: LinkAttachment;
  readonly session: Session;
  /** Set when the client said goodbye or the shard ended it: how, and what becomes of the session and the will. */
  farewell: { reason: string; sessionExpiryInterval: number | null; discardsWill: boolean } | null = null;
  /** Null: nothing of it was written since the object woke. */
  #fixed: Fixed | null = null;
  #packets: Uint8Array[] = [];
  #bytes = 0;
  #credit: number = limits.linkWindowBytes;
  #unconfirmed: number;
  #closed = false;
  /** The links that are to be flushed at the end of this event. */
  readonly #dirty: Link[];
  #isDirty = false;
  /** There is more to send than PUBACKs. */
  #pressing = false;

  /** `woken`: the window was forgotten with the memory, so the whole of it is granted anew. */
  constructor(socket: WebSocket, attachment: LinkAttachment, session: Session, dirty: Link[], woken: boolean) {
    this.#dirty = dirty;
    this.socket = socket;
    this.attachment = attachment;
    this.session = session;
    this.#unconfirmed = woken ? limits.linkWindowBytes : 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the session outlives the connection. A client cannot change that any more. [MQTT-3.14.2-2] */
  get lasting(): boolean {
    return this.attachment.attach.sessionExpiryInterval > 0;
  }

  /** A packet to be sent with the next flush. A PUBLISH that uses up the window blocks the session. */
  collect(packet: Uint8Array): void {
    this.#packets.push(packet);
    this.#bytes += packet.length;
    this.#credit -= packet.length;
    this.#mark();
    const type = (packet[0] ?? 0) >> 4;
    if (type !== PUBACK) this.#pressing = true;
    if (type !== PUBLISH) return;
    this.session.outbound.client.left(packet.length);
    if (this.#credit <= 0) this.session.outbound.client.blocked = true;
  }

  /** Accounts for a frame from the edge. True: the window to the edge has opened again. */
  received(frame: Uint8Array): boolean {
    const confirmed = readCredit(new DataView(frame.buffer, frame.byteOffset, frame.byteLength));
    this.#unconfirmed += frame.length - LINK_HEADER_BYTES;
    if (this.#unconfirmed >= limits.linkWindowBytes / 2) {
      this.#pressing = true;
      this.#mark();
    }
    if (confirmed === 0) return false;
    this.#credit = Math.min(limits.linkWindowBytes, this.#credit + confirmed);
    return this.#credit > 0 && this.session.outbound.client.blocked;
  }

  /** Leaves what was collected to a later flush, if it is PUBACKs alone, and others of this client will join them in a moment,
   *  since it has more under way. */
  defer(): boolean {
    if (this.#pressing || this.session.inbound.size === 0) return false;
    this.#isDirty = false;
    return true;
  }

  /** Sends what was collected, as one frame. */
  flush(): void {
    this.#isDirty = false;
    this.#pressing = false;
    if (this.#closed) return;
    const frame = writeDataFrame(this.#unconfirmed, this.#packets, this.#bytes);
    this.#unconfirmed = 0;
    this.#packets = [];
    this.#bytes = 0;
    this.#send(frame);
  }

  control(frame: ShardFrame): void {
    this.#send(JSON.stringify(frame));
  }

  /** Ends the client: DISCONNECT with this reason, then the link. */
  end(reasonCode: ReasonCode, reasonString: string, reason: string): void {
    if (this.#closed) return;
    this.farewell ??= { reason, sessionExpiryInterval: null, discardsWill: false };
    this.collect(writeDisconnect(reasonCode, 5, reasonString));
    this.flush();
    this.close(linkClose.ended, reason);
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.socket.serializeAttachment(null); // Who sleeps before the other side has closed must not take it up again.
      this.socket.close(code, reason);
    } catch {
      // It is gone already.
    }
  }

  /** Writes down what must outlive the memory. */
  save(): void {
    const { attachment, session } = this;
    attachment.sentUpTo = session.outbound.sentUpTo;
    attachment.cursor = session.outbound.cursor;
    this.#fixed ??= fixedOf(attachment);
    this.socket.serializeAttachment(writeAttachment(this.#fixed, attachment));
  }

  #mark(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#dirty.push(this);
  }

  #send(data: Uint8Array | string): void {
    try {
      this.socket.send(data);
    } catch {
      this.#closed = true; // The close event follows.
    }
  }
}
