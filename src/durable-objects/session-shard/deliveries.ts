// What comes from the topic shards: messages for this shard's sessions, outcomes of its publishes, answers about its
// routes. A batch is answered when all of it is safe: acknowledged by those who got it, or in the store.

import { limits } from "../../broker/limits.ts";
import type { QoS } from "../../broker/mqtt/packets.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { Delivery } from "../../broker/session/delivery.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { Grant } from "../../broker/session/grants.ts";
import { Message } from "../../broker/session/message.ts";
import type { Outbound } from "../../broker/session/outbound.ts";
import type { Session } from "../../broker/session/session.ts";
import type { Recipient, SessionStore } from "../../broker/session/session-store.ts";
import type { EnvelopeHeader, EntryVisitor, Origin, RetainedPage, SharedWith } from "../../contracts/envelope.ts";
import { sharedOrigin } from "../../contracts/envelope.ts";
import { visitEntries } from "../../contracts/envelope-reader.ts";
import type { Outcome, ToStore } from "./delivery-batch.ts";
import { DeliveryBatch } from "./delivery-batch.ts";
import { UnsafeBatches } from "./unsafe-batches.ts";

export interface DeliveryPorts {
  store: SessionStore;
  effects: Effect[];
  now(): number;
  ackDeadlineMs(): number;
  match(topic: string): readonly Grant[];
  /** Granted by one subscription, for a retained message; null: it is gone. */
  grantOf(session: number, filter: string): Grant | null;
  /** Whether a session outlives its connection. */
  lasting(session: number): boolean;
  /** The session, connected or not; null: it is no more. */
  session(uid: number): Session | null;
  routed(topicShard: number, first: number, count: number, reasonCode: number): void;
  routeStored(topicShard: number, request: number, accepted: boolean): void;
  retainedPage(topicShard: number, page: RetainedPage): void;
  /** Performs the effects and sends what was collected. */
  settle(): void;
  /** Messages were stored. */
  stored(): void;
  /** A shared message of this turn has come for a member. */
  turnTaken(topicShard: number, uid: number, turn: number): void;
  /** See Shares. */
  shares: { giveBack(uid: number, share: string, message: Message): void };
  /** Which messages that are to come once have come: see Origins. */
  origins: {
    has(topicShard: number, origin: Origin): boolean;
    add(topicShard: number, origin: Origin): void;
    commit(): void;
  };
  /** Something failed: throws, and ends the object, if that was its storage. */
  failed(error: unknown): void;
}

export class Deliveries {
  readonly #ports: DeliveryPorts;
  readonly #unsafe: UnsafeBatches;
  /** Copies in memory alone, at most. */
  #copies = 0;
  /** Of the batch that is handled. */
  #now = 0;

  constructor(ports: DeliveryPorts) {
    this.#ports = ports;
    this.#unsafe = new UnsafeBatches(ports);
  }

  /** Handles a batch at once; the promise, if any, resolves when it is safe. Throws when an entry could not be handled,
   *  after all others were. */
  receive(envelope: Uint8Array, header: EnvelopeHeader): Promise<void> | undefined {
    const batch = new DeliveryBatch((safe) => this.#unsafe.delete(safe));
    this.#copies = this.#unsafe.copies;
    this.#now = this.#ports.now();
    const ackDeadlineMs = this.#ports.ackDeadlineMs();
    const visitor = this.#visitor(header.sender, header.writeAtOnce || ackDeadlineMs === 0, batch);
    visitEntries(envelope, visitor);
    this.#pass(batch);
    batch.settled();
    if (batch.unsafe) this.#unsafe.add(batch, ackDeadlineMs);
    if (batch.failures.length > 0) throw batch.failures[0];
    return batch.unsafe ? batch.safe : undefined;
  }

  #visitor(sender: number, writeAtOnce: boolean, batch: DeliveryBatch): EntryVisitor {
    const ports = this.#ports;
    const guarded =
      <Args extends unknown[]>(handle: (...args: Args) => void) =>
      (...args: Args) => {
        this.#guard(batch, () => handle(...args));
        this.#passIfMuch(batch);
      };
    return {
      message: guarded((publisher, expiresAt, packet) => {
        const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
        this.#deliver(message, ports.match(message.publish.topic), false, writeAtOnce, batch, null);
      }),
      ownMessage: (number, publisher, expiresAt, packet) => {
        const outcome = (reasonCode: number) => ports.routed(sender, number, 1, reasonCode);
        const handled = this.#guard(batch, () => {
          const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
          const grants = ports.match(message.publish.topic);
          if (grants.length === 0) outcome(reasonCodes.noMatchingSubscribers);
          else this.#deliver(message, grants, false, writeAtOnce, batch, outcome);
        });
        if (!handled) outcome(reasonCodes.unspecifiedError);
        this.#passIfMuch(batch);
      },
      // All of it is written at once: what comes again after a crash is known by its sequence alone.
      messageOnce: guarded((origin, publisher, expiresAt, packet) => {
        if (ports.origins.has(sender, origin)) return;
        const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
        this.#deliver(message, ports.match(message.publish.topic), false, true, batch, null);
        ports.origins.add(sender, origin);
      }),
      shared: guarded((member, sequence, publisher, expiresAt, packet) => {
        const origin = { shard: sharedOrigin, sequence };
        if (sequence !== 0 && ports.origins.has(sender, origin)) return;
        const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
        this.#deliverShared(member, message, writeAtOnce || sequence !== 0, batch);
        if (sequence !== 0) ports.origins.add(sender, origin);
        if (member.turn !== 0) ports.turnTaken(sender, member.uid, member.turn);
      }),
      retained: guarded((session, filter, expiresAt, packet) => {
        const grant = ports.grantOf(session, filter);
        if (grant === null) return;
        // SUBACK and the next page go on from here: a session that outlives a crash must have them by then.
        const durable = writeAtOnce || ports.lasting(session);
        this.#deliver(new Message(readTrustedPublish(packet), 0, expiresAt), [grant], true, durable, batch, null);
      }),
      routed: guarded((first, count, reasonCode) => ports.routed(sender, first, count, reasonCode)),
      routeStored: guarded((request, accepted) => ports.routeStored(sender, request, accepted)),
      retainedPage: guarded((page) => ports.retainedPage(sender, page)),
    };
  }

  /** Sends and stores what was collected of a batch, if that is much: a batch may be for very many sessions. */
  #passIfMuch(batch: DeliveryBatch): void {
    if (batch.toStoreCopies + this.#ports.effects.length >= limits.copiesAtOnce) this.#pass(batch);
  }

  /** Sends and stores what was collected of a batch. */
  #pass(batch: DeliveryBatch): void {
    const ports = this.#ports;
    ports.origins.commit(); // Before anything is sent: what is sent must not come again.
    // A write holds back all that is sent behind it until it is durable: what can be sent goes first.
    ports.settle();
    const toStore = batch.takeToStore();
    if (toStore.length === 0) return;
    const outbounds = new Set<Outbound>();
    const outcomes: (Outcome | null)[] = [];
    for (const each of toStore) {
      if (this.#guard(batch, () => this.#store(each, outbounds))) outcomes.push(each.outcome);
      else each.outcome?.(reasonCodes.unspecifiedError);
    }
    ports.store.commit(); // All of it in one write.
    for (const outcome of outcomes) outcome?.(reasonCodes.success);
    for (const outbound of outbounds) {
      if (ports.session(outbound.session)?.outbound !== outbound) continue;
      this.#guard(batch, () => outbound.stored(this.#now, ports.effects));
    }
    this.#guard(batch, () => ports.stored());
    ports.settle();
  }

  /** What fails of a batch leaves the rest of it as it is. False: it failed. */
  #guard(batch: DeliveryBatch, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#ports.failed(error);
      batch.failures.push(error);
      return false;
    }
  }

  /** `outcome`, if any, is told once when it is safe. */
  #deliver(
    message: Message,
    grants: readonly Grant[],
    retained: boolean,
    writeAtOnce: boolean,
    batch: DeliveryBatch,
    outcome: Outcome | null,
    share = "",
  ): void {
    if (grants.length === 0) return;
    const { effects } = this.#ports;
    const now = this.#now;
    const delivery = new Delivery(message, () => {
      outcome?.(reasonCodes.success);
      batch.settled();
    });
    const recipients: Recipient[] = [];
    const outbounds: Outbound[] = [];
    const durable = writeAtOnce || this.#copies >= limits.awaitedCopies;
    for (const each of grants) {
      const session = this.#ports.session(each.session);
      if (session === null) continue;
      const grant = message.publisher === session.publisher ? each.own : each;
      if (grant === null) continue;
      const place = {
        retained,
        qos: Math.min(message.publish.qos, grant.qos) as QoS, // [MQTT-3.8.4-8]
        // A live message keeps the flag only where the subscription asks for it. [MQTT-3.3.1-12] [MQTT-3.3.1-13]
        retain: retained || (grant.retainAsPublished && message.publish.retain),
        identifiers: grant.identifiers,
        share,
      };
      const recipient = session.outbound.offer(delivery, place, durable, now, effects);
      if (recipient === null) continue;
      recipients.push(recipient);
      outbounds.push(session.outbound);
    }
    const stores = recipients.length > 0;
    if (stores) batch.store({ message, recipients, outbounds, outcome: delivery.safe ? outcome : null });
    if (delivery.safe) {
      if (!stores) outcome?.(reasonCodes.success);
      return;
    }
    batch.add(delivery);
    this.#copies += delivery.copies;
    delivery.arm();
  }

  /** A message of a share for one member: if its client is not there, another member is to get it. */
  #deliverShared({ uid, share }: SharedWith, message: Message, writeAtOnce: boolean, batch: DeliveryBatch): void {
    const { grantOf, session, shares } = this.#ports;
    const grant = grantOf(uid, share);
    if (grant === null || session(uid)?.connected !== true) shares.giveBack(uid, share, message);
    else this.#deliver(message, [grant], false, writeAtOnce, batch, null, share);
  }

  #store({ message, recipients, outbounds }: ToStore, touched: Set<Outbound>): void {
    // What was sent before may have ended a session.
    const alive = recipients.filter((each, i) => this.#ports.session(each.session)?.outbound === outbounds[i]);
    if (alive.length === 0) return;
    this.#ports.store.append(message, alive);
    for (const outbound of outbounds) touched.add(outbound);
  }
}
