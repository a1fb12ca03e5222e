// What a client was sent and has not wholly acknowledged, by packet id, and the order of a session's messages, from which
// their packet ids follow.

import type { Inflight } from "./delivery.ts";

const PACKET_IDS = 65_535;

/** "unknown": there is no such message; "out of turn": there is, and this is no answer to it, or not yet. */
export type Answered<T> = T | "unknown" | "out of turn";

export class Unacknowledged {
  readonly #inflight = new Map<number, Inflight>();
  /** Packet ids of QoS 2 messages that the client has, in the order of its PUBRECs; they await PUBCOMP. */
  readonly #released: Set<number>;
  #next: number;

  /** `last`: the highest number that the session's messages had. `released`: of an earlier life of the session. */
  constructor(last: number, released: readonly number[]) {
    this.#next = last + 1;
    this.#released = new Set(released);
  }

  get size(): number {
    return this.#inflight.size + this.#released.size;
  }

  /** Messages that the client may not have. */
  get inflight(): Iterable<Inflight> {
    return this.#inflight.values();
  }

  get released(): Iterable<number> {
    return this.#released;
  }

  /** The next number in the session's order. Those whose packet ids are in use are passed over: a message that is never
   *  acknowledged must not hold up the others once they have gone round. */
  number(): number {
    for (let tries = 0; tries < PACKET_IDS && this.inUse(this.#next); tries++) this.#next += 1;
    return this.#next++;
  }

  /** Whether the packet id of number `n` stands for another message. */
  inUse(n: number): boolean {
    const packetId = packetIdOf(n);
    return this.#inflight.has(packetId) || this.#released.has(packetId);
  }

  /** A message is sent. False: its packet id is in use. */
  add(inflight: Inflight): boolean {
    if (this.inUse(inflight.n)) return false;
    this.#inflight.set(packetIdOf(inflight.n), inflight);
    return true;
  }

  /** A message was not sent after all. */
  withdraw(n: number): void {
    this.#inflight.delete(packetIdOf(n));
  }

  /** PUBACK, or PUBREC that refuses: returns the message, which is known no more. Section 4.3.2. */
  acknowledge(packetId: number, qos: 1 | 2): Answered<Inflight> {
    const inflight = this.#inflight.get(packetId);
    if (inflight?.qos === qos) {
      this.#inflight.delete(packetId);
      return inflight;
    }
    return inflight !== undefined || (qos === 1 && this.#released.has(packetId)) ? "out of turn" : "unknown";
  }

  /** PUBREC: returns the message, whose packet id is released; "again": it was before. Section 4.3.3. */
  receive(packetId: number): Answered<Inflight | "again"> {
    const inflight = this.#inflight.get(packetId);
    if (inflight === undefined) return this.#released.has(packetId) ? "again" : "unknown";
    if (inflight.qos === 1) return "out of turn";
    this.#inflight.delete(packetId);
    this.#released.add(packetId);
    return inflight;
  }

  /** PUBCOMP: the packet id may stand for another message now. Section 4.3.3. */
  complete(packetId: number): Answered<"complete"> {
    if (this.#released.delete(packetId)) return "complete";
    return this.#inflight.has(packetId) ? "out of turn" : "unknown";
  }

  /** The connection is gone: what the client may not have will be sent anew. */
  clear(): void {
    this.#inflight.clear();
  }
}

/** 1 to 65,535, in turn. [MQTT-2.2.1-3] */
export function packetIdOf(n: number): number {
  return ((n - 1) % PACKET_IDS) + 1;
}
