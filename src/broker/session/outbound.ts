// What a session's client is to receive, in order: what it was sent and has not acknowledged, and the queue behind.
// Messages are numbered in the session's order. A client that acknowledges in time is sent them from memory; for any
// other they go to the store and come back from there. What waits in memory comes behind all that is in the store. An
// entry's packet id follows from its number, so sending a stored message writes nothing, unless it waited in the order of
// priorities.

import { writeAcknowledgement } from "../mqtt/acknowledgement.ts";
import type { QoS } from "../mqtt/packets.ts";
import { reasonCodes } from "../mqtt/reason-codes.ts";
import { ClientRoom } from "./client-room.ts";
import type { ClientBounds } from "./client-room.ts";
import type { Delivery, Inflight } from "./delivery.ts";
import { newInflight, recipientOf } from "./delivery.ts";
import type { DropReason, Effect } from "./effects.ts";
import type { Message } from "./message.ts";
import { classOfNumber, UNRANKED } from "./queue-order.ts";
import type { QueueOrder } from "./queue-order.ts";
import type { Place, Recipient, SessionStore, StoredEntry } from "./session-store.ts";
import type { OutboundState, QueueBounds } from "./stored-queue.ts";
import { StoredQueue } from "./stored-queue.ts";
import { packetIdOf, Unacknowledged } from "./unacknowledged.ts";
import { Promptness, Waiting, WINDOWS_MAX } from "./waiting.ts";

export interface OutboundLimits extends QueueBounds {
  readonly inflightMax: number;
  readonly queueStoreQos0: boolean;
  readonly queueOrder: QueueOrder;
}

export class Outbound {
  readonly session: number;
  readonly #store: SessionStore;
  #limits: OutboundLimits;
  readonly client = new ClientRoom();
  readonly #unacknowledged: Unacknowledged;
  readonly #queue: StoredQueue;
  readonly #waiting = new Waiting();
  #promptness = new Promptness();
  dropped = 0;
  /** There may be messages of shares that are to be given back when the client goes. */
  #sharing: boolean;
  /** A share's message was offered and will be in the store when `stored` is called. */
  #sharedToCome = false;

  /** `released`: of an earlier life of the session. */
  constructor(
    session: number,
    store: SessionStore,
    limits: OutboundLimits,
    state: OutboundState,
    released: readonly number[],
  ) {
    this.session = session;
    this.#unacknowledged = new Unacknowledged(Math.max(state.sentUpTo, state.lastNumber), released);
    this.#store = store;
    this.#limits = limits;
    this.#queue = new StoredQueue(session, store, state);
    this.#sharing = state.shared > 0;
  }

  get queued(): number {
    return this.#queue.queued;
  }

  /** Sent and not wholly acknowledged. */
  get inflight(): number {
    return this.#unacknowledged.size;
  }

  get released(): readonly number[] {
    return Array.from(this.#unacknowledged.released);
  }

  /** Number of the last message sent over this connection. */
  get cursor(): number {
    return this.#queue.cursor;
  }

  get sentUpTo(): number {
    return this.#queue.sentUpTo;
  }

  /** Whether there may be messages of shares: what of them was sent must be known after a crash, too. */
  get sharing(): boolean {
    return this.#sharing;
  }

  set limits(limits: OutboundLimits) {
    this.#limits = limits;
  }

  /** The client is here: all that it has not acknowledged is sent again, then the queue. [MQTT-4.4.0-1] */
  connect(client: ClientBounds, now: number, effects: Effect[]): void {
    this.client.connect(client);
    for (const id of this.#unacknowledged.released) this.#release(id, reasonCodes.success, effects); // [MQTT-4.6.0-4]
    this.drain(now, effects);
  }

  /** The client is still here after the shard forgot everything but the store: what was sent stays sent. */
  resume(client: ClientBounds, cursor: number, now: number, effects: Effect[]): void {
    this.client.connect(client);
    for (const entry of this.#queue.resume(cursor)) this.#track(entry);
    this.drain(now, effects);
  }

  /** The client is gone. What is in memory alone is stored, unless the session ends with the connection; what may be given
   *  back to the groups of shares is. */
  disconnect(keep: boolean, effects: Effect[]): void {
    for (const inflight of this.#unacknowledged.inflight) {
      const { delivery, share } = inflight;
      const stays = keep || share !== "";
      if (delivery !== null && stays) this.#store.append(delivery.message, [recipientOf(inflight)]);
      if (delivery === null || stays) this.#queue.sendAgain();
      delivery?.settle(inflight);
    }
    this.#unacknowledged.clear();
    if (keep || this.#sharing) this.#storeWaiting(Infinity);
    else for (const inflight of this.#waiting.takeAll()) inflight.delivery?.settle(inflight);
    this.client.disconnect();
    this.#giveBack(effects);
    this.#dropExcess(effects);
    this.#queue.rewind();
    this.#promptness = new Promptness();
  }

  /** How many of `pageMax` messages, that come because they were asked for, the session takes now: what its client can be
   *  trusted to take soon, or what its queue holds. Nothing, rather than a small part of that. */
  roomForPage(pageMax: number): number {
    if (this.client.blocked) return 0;
    const { queueLengthMax, queueBytesMax } = this.#limits;
    if (!this.client.connected && this.#queue.queuedBytes > queueBytesMax / 2) return 0;
    const capacity = !this.client.connected ? queueLengthMax : WINDOWS_MAX * this.#quota;
    const page = Math.min(capacity, pageMax);
    const free = capacity - this.inflight - this.#waiting.length - this.#queue.behind;
    return 2 * free >= page ? Math.min(free, page) : 0;
  }

  /** A message for this session, already at the lower of its own and the subscription's QoS. Sends it if the client can
   *  take it; `delivery` then awaits the acknowledgement. Returns the place under which it must be stored if it cannot;
   *  when all of an event are stored, `stored` follows. `retained`: it comes because the client subscribed, and is not
   *  dropped because the link is full. `writeAtOnce`: nothing may be in memory alone. */
  offer(
    delivery: Delivery,
    place: Place & { readonly retained: boolean },
    writeAtOnce: boolean,
    now: number,
    effects: Effect[],
  ): Recipient | null {
    const { message } = delivery;
    const { qos, retain, retained, identifiers, share } = place;
    if (share !== "") this.#sharing = true;
    if (message.expired(now)) return this.#drop("expired", effects);
    if (this.client.connected && qos === 0 && this.#queue.queuedQos0 === 0 && !(this.client.blocked && retained)) {
      if (this.client.blocked) return this.#drop("no_credit", effects);
      this.#send(message, { qos, retain, dup: false, packetId: 0, identifiers }, now, effects);
      return null;
    }
    const ranked = this.#queue.ranks(this.#limits.queueOrder);
    if (qos === 1 && !writeAtOnce && this.#prompt && (!ranked || this.#free)) {
      const inflight = newInflight(this, this.#unacknowledged.number(), place, message.byteLength, delivery);
      delivery.await(inflight);
      this.#waiting.push(inflight);
      this.#sendWaiting(now, effects);
      return null;
    }
    if (qos === 1 || this.#waiting.length > 0) this.#storeSent(effects);
    this.#storeWaiting(Infinity);
    if (qos === 0 && !this.client.connected && !this.#limits.queueStoreQos0) return this.#drop("qos0_offline", effects);
    const n = ranked
      ? this.#queue.place(this.#limits.queueOrder, message.publish.topic)
      : this.#unacknowledged.number();
    this.#queue.joined(n, qos, message.byteLength);
    this.#sharedToCome ||= share !== "";
    return { session: this.session, n, qos, retain, identifiers, share };
  }

  /** What was offered and could not be sent is in the store now. */
  stored(now: number, effects: Effect[]): void {
    if (this.#sharedToCome) {
      this.#sharedToCome = false;
      this.#sharing = true;
      if (!this.client.connected) this.#giveBack(effects); // It went in between.
    }
    this.#dropExcess(effects);
    this.drain(now, effects);
  }

  /** PUBACK of a message of QoS 1, or PUBREC with a reason code that refuses one of QoS 2: it is not sent again. */
  acknowledge(packetId: number, qos: 1 | 2, now: number, effects: Effect[]): void {
    const inflight = this.#unacknowledged.acknowledge(packetId, qos);
    if (inflight === "out of turn") this.#outOfTurn(effects);
    if (typeof inflight === "string") return;
    this.#promptness.acknowledged();
    if (inflight.delivery === null) this.#store.remove(this.session, inflight.n);
    else inflight.delivery.settle(inflight);
    this.drain(now, effects);
  }

  /** PUBREC: the client has the message, which is forgotten; its packet id is released. [MQTT-4.3.3-4] */
  received(packetId: number, effects: Effect[]): void {
    const inflight = this.#unacknowledged.receive(packetId);
    if (inflight === "out of turn") {
      this.#outOfTurn(effects);
      return;
    }
    if (typeof inflight !== "string") {
      this.#store.remove(this.session, inflight.n);
      effects.push({ type: "keep", session: this.session });
    }
    const known = inflight !== "unknown";
    this.#release(packetId, known ? reasonCodes.success : reasonCodes.packetIdentifierNotFound, effects);
  }

  /** PUBCOMP: the packet id may stand for another message now. */
  complete(packetId: number, now: number, effects: Effect[]): void {
    const answered = this.#unacknowledged.complete(packetId);
    if (answered === "out of turn") this.#outOfTurn(effects);
    if (answered !== "complete") return;
    effects.push({ type: "keep", session: this.session });
    this.drain(now, effects);
  }

  /** The store holds this message now, because its acknowledgement did not come in time. What waits before it follows
   *  it there. */
  missedDeadline(inflight: Inflight, effects: Effect[]): void {
    this.#promptness.missed();
    const { delivery, n, qos } = inflight;
    inflight.delivery = null;
    if (n > this.#queue.sentUpTo && delivery !== null) this.#queue.joined(n, qos, inflight.byteLength);
    this.#storeWaiting(n);
    this.#dropExcess(effects);
    effects.push({ type: "save", session: this.session });
  }

  /** Sends what waits, in the store and then in memory, as far as the client takes it. */
  drain(now: number, effects: Effect[]): void {
    let sent = false;
    while (this.client.connected && !this.client.full && this.#queue.behind > 0) {
      const room = this.#quota - this.inflight;
      if (room <= 0) break;
      const entry = this.#queue.next(room);
      if (entry === null || !this.#sendStored(entry, now, effects)) break;
      sent = true;
    }
    if (sent) effects.push({ type: "save", session: this.session });
    this.#sendWaiting(now, effects);
  }

  /** Sent and not acknowledged, or waiting for that. */
  get outstanding(): number {
    return this.inflight + this.#waiting.length + this.#queue.behind;
  }

  get #quota(): number {
    return Math.min(this.client.receiveMaximum, this.#limits.inflightMax); // [MQTT-3.3.4-9]
  }

  /** Whether the client can be trusted to acknowledge the next message soon. */
  get #prompt(): boolean {
    return this.client.connected && this.#promptness.prompt && !this.#waiting.full(this.#quota);
  }

  /** Whether the next message is sent at once: nothing waits that might have to go before it. */
  get #free(): boolean {
    return !this.client.full && this.#queue.behind === 0 && this.#waiting.length === 0 && this.inflight < this.#quota;
  }

  /** Sends what waits in memory as far as the client takes it. */
  #sendWaiting(now: number, effects: Effect[]): void {
    if (this.#queue.behind > 0) return;
    for (let inflight = this.#waiting.first; inflight !== undefined; inflight = this.#waiting.first) {
      const { n, qos, retain, identifiers, delivery } = inflight;
      const packetId = packetIdOf(n);
      if (this.client.full || this.inflight >= this.#quota || this.#unacknowledged.inUse(n)) return;
      this.#waiting.shift();
      if (delivery === null) continue;
      const { message } = delivery;
      this.#queue.passedBy(n);
      if (message.expired(now)) this.#drop("expired", effects);
      else if (this.#send(message, { qos, retain, dup: false, packetId, identifiers }, now, effects)) {
        this.#unacknowledged.add(inflight);
        continue;
      }
      delivery.settle(inflight);
    }
  }

  /** What was sent from memory goes to the store, since what follows it will be there: it might never have come to the
   *  client, and would come behind that after a crash. */
  #storeSent(effects: Effect[]): void {
    let stored = false;
    for (const inflight of this.#unacknowledged.inflight) {
      const { delivery } = inflight;
      if (delivery === null) continue;
      this.#store.append(delivery.message, [recipientOf(inflight)]);
      delivery.settle(inflight);
      stored = true;
    }
    if (stored) effects.push({ type: "save", session: this.session });
  }

  /** What waits in memory up to number `upTo` goes to the store, since what follows it is there or will be. */
  #storeWaiting(upTo: number): void {
    for (let first = this.#waiting.first; first !== undefined && first.n <= upTo; first = this.#waiting.first) {
      const inflight = first;
      this.#waiting.shift();
      const { delivery } = inflight;
      if (delivery === null) continue;
      this.#queue.append(inflight, delivery.message);
      delivery.settle(inflight);
    }
  }

  /** False: its packet id is still in use, or the link is full; the rest must wait. */
  #sendStored(entry: StoredEntry, now: number, effects: Effect[]): boolean {
    if (this.client.full) return false;
    const { qos, retain, identifiers, message } = entry;
    const ranked = classOfNumber(entry.n) !== UNRANKED;
    const n = ranked ? this.#unacknowledged.number() : entry.n;
    const dup = n <= this.#queue.sentUpTo;
    // What was sent once is sent until it is acknowledged. [MQTT-4.4.0-1]
    if (!dup && message.expired(now)) {
      this.#store.remove(this.session, entry.n);
      this.#drop("expired", effects);
    } else if (qos === 0) {
      this.#store.remove(this.session, entry.n, true); // It must not come again.
      this.#send(message, { qos, retain, dup: false, packetId: 0, identifiers }, now, effects);
    } else {
      if (!this.#track(ranked ? { ...entry, n } : entry)) return false;
      if (ranked) this.#store.renumber(this.session, entry.n, n);
      // [MQTT-3.3.1-1]
      const sent = this.#send(message, { qos, retain, dup, packetId: packetIdOf(n), identifiers }, now, effects);
      if (!sent) {
        this.#unacknowledged.withdraw(n);
        this.#store.remove(this.session, n);
      }
    }
    this.#queue.passed(entry, n);
    return true;
  }

  #giveBack(effects: Effect[]): void {
    if (!this.#sharing) return;
    this.#sharing = false;
    for (const { share, message } of this.#queue.takeShared()) {
      effects.push({ type: "giveBack", session: this.session, share, message });
    }
  }

  /** A client answers a message with what is no answer to it, or not yet. Sections 4.3.2 and 4.3.3. */
  #outOfTurn(effects: Effect[]): void {
    const reasonString = "an acknowledgement that is no answer to the message";
    effects.push({ type: "end", session: this.session, reasonCode: reasonCodes.protocolError, reasonString });
  }

  #release(packetId: number, reasonCode: number, effects: Effect[]): void {
    const packet = writeAcknowledgement("pubrel", packetId, reasonCode, 5);
    effects.push({ type: "send", session: this.session, packet });
  }

  /** A stored entry was sent. False: its packet id is still in use. */
  #track(entry: StoredEntry): boolean {
    return this.#unacknowledged.add(newInflight(this, entry.n, entry, entry.message.byteLength, null));
  }

  /** False: it is too large for this client and was dropped for it alone. [MQTT-3.1.2-24] [MQTT-3.1.2-25] */
  #send(
    message: Message,
    address: { qos: QoS; retain: boolean; dup: boolean; packetId: number; identifiers: readonly number[] },
    now: number,
    effects: Effect[],
  ): boolean {
    const packet = message.encode(address, now);
    if (!this.client.take(packet.length)) {
      this.#drop("too_large", effects);
      return false;
    }
    effects.push({ type: "send", session: this.session, packet });
    return true;
  }

  /** Drops the oldest messages that were never sent, as many as are beyond the queue's bounds. */
  #dropExcess(effects: Effect[]): void {
    this.#drop("queue_full", effects, this.#queue.trim(this.#limits));
  }

  /** Drops the older half of the queue: the shard has no room for all of it. */
  dropHalf(effects: Effect[]): void {
    this.#drop("queue_full", effects, this.#queue.halve());
  }

  #drop(reason: DropReason, effects: Effect[], count = 1): null {
    this.dropped += count;
    for (let i = 0; i < count; i++) effects.push({ type: "drop", session: this.session, reason });
    return null;
  }
}
