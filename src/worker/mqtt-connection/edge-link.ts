// The edge's end of a link (contracts/link.ts): collects what goes to the shard, keeps the window of both directions,
// and beats its heart.

import { limits } from "../../broker/limits.ts";
import type { EdgeFrame, ShardFrame } from "../../contracts/link.ts";
import { HEARTBEAT, LINK_HEADER_BYTES, readCredit, writeDataFrame } from "../../contracts/link.ts";
import { soon } from "../../platform/soon.ts";

/** The platform's WebSocket, as far as a link uses it. */
export interface LinkSocket {
  binaryType: string;
  accept(): void;
  send(data: Uint8Array | string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close" | "error", listener: () => void): void;
}

/** What the connection hears of its link. */
export interface LinkListener {
  /** Packets for the client, whole, one behind the other. */
  onPackets(packets: Uint8Array): void;
  onControl(frame: ShardFrame): void;
  /** A frame of the shard could not be understood, or its packets not be handled: a bug of ours. */
  onError(error: unknown): void;
  /** The link is gone, and not by our doing. */
  onLost(): void;
}

/** What more than one event made ready goes at once when it is this much: to wait on would save next to nothing, and while
 *  a device sends faster than it is read no timer is due. */
const FRAME_BYTES = 32 * 1_024;
/** So many packets of one event have each other for company. */
const TOGETHER = 4;
const PUBLISH = 3;
const PUBACK = 4;
const PUBCOMP = 7;

export class EdgeLink {
  readonly #socket: LinkSocket;
  #listener: LinkListener | null = null;
  /** Packets for the next frame. */
  #ready: Uint8Array[] = [];
  #readyBytes = 0;
  /** Packets that wait for credit, in order. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #credit: number = limits.linkWindowBytes;
  /** Bytes taken from the shard and not confirmed; `confirmed` gives them back. */
  #unconfirmed = 0;
  #flushQueued = false;
  /** The event in which a flush was queued is over. */
  #laterEvent = false;
  /** The next packet seems to be alone. */
  #alone = true;
  #closed = false;
  #beatAnswered = true;

  constructor(socket: LinkSocket) {
    this.#socket = socket;
  }

  /** Bytes that wait for the shard. */
  get pendingBytes(): number {
    return this.#heldBytes + this.#readyBytes;
  }

  /** Packets that wait for the shard. */
  get pendingPackets(): number {
    return this.#held.length + this.#ready.length;
  }

  /** Begins to receive. */
  listen(listener: LinkListener): void {
    this.#listener = listener;
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("message", ({ data }) => this.#onMessage(data as string | ArrayBuffer));
    this.#socket.addEventListener("close", () => this.#onGone());
    this.#socket.addEventListener("error", () => this.#onGone());
    this.#socket.accept();
  }

  /** Takes a packet for the shard. A PUBLISH waits for credit, and whatever must not overtake it waits with it. */
  send(packet: Uint8Array): void {
    const type = (packet[0] ?? 0) >> 4;
    const overtakes = type >= PUBACK && type <= PUBCOMP;
    if (!overtakes && (this.#held.length > 0 || (type === PUBLISH && this.#credit <= 0))) {
      // A copy: a view would keep all of the frame that it came in, of which other packets may be dropped.
      this.#held.push(packet.slice());
      this.#heldBytes += packet.length;
      return;
    }
    this.#put(packet);
    this.#flushSoon();
  }

  /** The client has taken `bytes`: the shard may send as many more. */
  confirm(bytes: number): void {
    this.#unconfirmed += bytes;
    if (this.#unconfirmed >= limits.linkWindowBytes / 2) this.#flush();
  }

  /** Tells the shard what is no packet, at once. */
  control(frame: EdgeFrame): void {
    this.#write(JSON.stringify(frame));
  }

  /** Sends the beat; false: the last one was not answered. */
  beat(): boolean {
    const answered = this.#beatAnswered;
    this.#beatAnswered = false;
    this.#write(HEARTBEAT);
    return answered;
  }

  /** Sends what is ready, then closes with a code of `linkClose`. */
  close(code: number, reason: string): void {
    if (this.#closed) return;
    for (const packet of this.#held) this.#put(packet);
    this.#held = [];
    this.#heldBytes = 0;
    this.#flush();
    this.#closed = true;
    try {
      if (this.#listener === null) this.#socket.accept(); // One that was never listened to can be closed only then.
      this.#socket.close(code, reason);
    } catch {
      // It is gone already.
    }
  }

  #put(packet: Uint8Array): void {
    this.#ready.push(packet);
    this.#readyBytes += packet.length;
    this.#credit -= packet.length;
  }

  /** One turn of the event loop later, so that what comes meanwhile travels along: under load that is worth twice the
   *  messages. A packet that seems to be alone, as what came before it was, goes at the end of its event, and so do several
   *  that came in one. */
  #flushSoon(): void {
    if (this.#flushQueued) {
      if (this.#laterEvent && this.#readyBytes >= FRAME_BYTES) this.#flush();
      return;
    }
    this.#flushQueued = true;
    soon(() => {
      const goes = this.#alone || this.#ready.length >= TOGETHER;
      this.#alone = false;
      if (goes) this.#flushQueue();
      else {
        this.#laterEvent = true;
        setTimeout(() => this.#flushQueue(), 0);
      }
    });
  }

  #flushQueue(): void {
    this.#flushQueued = false;
    this.#laterEvent = false;
    this.#flush();
  }

  #flush(): void {
    if (this.#readyBytes === 0 && this.#unconfirmed < limits.linkWindowBytes / 2) return;
    const frame = writeDataFrame(this.#unconfirmed, this.#ready, this.#readyBytes);
    this.#unconfirmed = 0;
    this.#ready = [];
    this.#readyBytes = 0;
    this.#write(frame);
  }

  #onMessage(data: string | ArrayBuffer): void {
    const listener = this.#listener;
    if (this.#closed || listener === null) return;
    if (data === HEARTBEAT) {
      this.#beatAnswered = true;
      return;
    }
    try {
      if (typeof data === "string") listener.onControl(JSON.parse(data) as ShardFrame);
      else this.#onData(data, listener);
    } catch (error) {
      listener.onError(error);
    }
  }

  #onData(data: ArrayBuffer, listener: LinkListener): void {
    const credit = readCredit(new DataView(data));
    if (credit > 0) this.#onCredit(credit);
    this.#alone = isOnePacket(data);
    if (data.byteLength > LINK_HEADER_BYTES) listener.onPackets(new Uint8Array(data, LINK_HEADER_BYTES));
  }

  #onCredit(credit: number): void {
    this.#credit = Math.min(limits.linkWindowBytes, this.#credit + credit);
    let released = 0;
    while (released < this.#held.length && this.#credit > 0) {
      const packet = this.#held[released++];
      if (packet === undefined) break;
      this.#heldBytes -= packet.length;
      this.#put(packet);
    }
    if (released === 0) return;
    this.#held = this.#held.slice(released);
    this.#flushSoon();
  }

  #onGone(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#socket.close();
    } catch {
      // It is gone already.
    }
    this.#listener?.onLost();
  }

  #write(data: Uint8Array | string): void {
    if (this.#closed) return;
    try {
      this.#socket.send(data);
    } catch {
      this.#onGone();
    }
  }
}

/** Whether a data frame holds one packet, and a short one. */
function isOnePacket(data: ArrayBuffer): boolean {
  if (data.byteLength < LINK_HEADER_BYTES + 2) return false;
  const remaining = new DataView(data).getUint8(LINK_HEADER_BYTES + 1);
  return remaining < 0x80 && data.byteLength === LINK_HEADER_BYTES + 2 + remaining;
}
