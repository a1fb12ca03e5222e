// What comes from the topic shards: messages for this shard's sessions, outcomes of its publishes, answers about its
// routes. A batch is answered when all of it is safe: acknowledged by those who got it, or in the store.

import type { QoS } from "../../broker/mqtt/packets.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { Delivery, recipientOf } from "../../broker/session/delivery.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { Grant } from "../../broker/session/grants.ts";
import { Message } from "../../broker/session/message.ts";
import type { Outbound } from "../../broker/session/outbound.ts";
import type { Session } from "../../broker/session/session.ts";
import type { Recipient, SessionStore } from "../../broker/session/session-store.ts";
import type { EnvelopeHeader, EntryVisitor, RetainedPage, SharedWith } from "../../contracts/envelope.ts";
import { sharedOrigin } from "../../contracts/envelope.ts";
import { visitEntries } from "../../contracts/envelope-reader.ts";
import { log } from "../../platform/log.ts";
import type { Origins } from "./origins.ts";
import type { Shares } from "./shares.ts";

/** Until a write that failed is tried again. */
const AGAIN_MS = 1_000;

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
  shares: Pick<Shares, "giveBack">;
  /** Which messages that are to come once have come. */
  origins: Pick<Origins, "has" | "add" | "commit">;
  /** Something failed: throws, and ends the object, if that was its storage. */
  failed(error: unknown): void;
}

interface ToStore {
  readonly message: Message;
  readonly recipients: Recipient[];
  readonly outbounds: Outbound[];
  /** Is told once it is stored. */
  readonly outcome: Outcome | null;
}

/** Is told the outcome of one of this shard's own publishes. */
type Outcome = (reasonCode: number) => void;

/** The deliveries of one batch that are in memory alone. */
class Batch {
  readonly deliveries: Delivery[] = [];
  /** What cannot be sent at once. */
  readonly toStore: ToStore[] = [];
  readonly safe: Promise<void>;
  /** When what is not safe is written, epoch milliseconds. */
  due = 0;
  /** Deliveries that are not safe, and one while the batch is being handled. */
  #unsafe = 1;
  #resolve: () => void = () => undefined;

  readonly #onSafe: (batch: Batch) => void;

  constructor(onSafe: (batch: Batch) => void) {
    this.#onSafe = onSafe;
    this.safe = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get unsafe(): boolean {
    return this.#unsafe > 0;
  }

  add(delivery: Delivery): void {
    this.deliveries.push(delivery);
    this.#unsafe += 1;
  }

  settled(): void {
    this.#unsafe -= 1;
    if (this.#unsafe > 0) return;
    this.#onSafe(this);
    this.#resolve();
  }
}

export class Deliveries {
  readonly #ports: DeliveryPorts;
  /** Batches that wait for acknowledgements, in the order of their deadlines. */
  readonly #unsafe = new Set<Batch>();
  #armed = false;

  constructor(ports: DeliveryPorts) {
    this.#ports = ports;
  }

  /** Handles a batch at once; the promise, if any, resolves when it is safe. Throws when an entry could not be handled,
   *  after all others were. */
  receive(envelope: Uint8Array, header: EnvelopeHeader): Promise<void> | undefined {
    const ports = this.#ports;
    const batch = new Batch((safe) => this.#unsafe.delete(safe));
    const ackDeadlineMs = ports.ackDeadlineMs();
    const writeAtOnce = header.writeAtOnce || ackDeadlineMs === 0;
    const failures: unknown[] = [];
    const guarded =
      <Args extends unknown[]>(handle: (...args: Args) => void) =>
      (...args: Args) => {
        try {
          handle(...args);
        } catch (error) {
          ports.failed(error);
          failures.push(error);
        }
      };
    const visitor: EntryVisitor = {
      message: guarded((publisher, expiresAt, packet) => {
        const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
        this.#deliver(message, ports.match(message.publish.topic), false, writeAtOnce, batch, null);
      }),
      ownMessage: (number, publisher, expiresAt, packet) => {
        const outcome = (reasonCode: number) => ports.routed(header.sender, number, 1, reasonCode);
        try {
          const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
          const grants = ports.match(message.publish.topic);
          if (grants.length === 0) outcome(reasonCodes.noMatchingSubscribers);
          else this.#deliver(message, grants, false, writeAtOnce, batch, outcome);
        } catch (error) {
          ports.failed(error);
          failures.push(error);
          outcome(reasonCodes.unspecifiedError);
        }
      },
      // All of it is written at once: what comes again after a crash is known by its sequence alone.
      messageOnce: guarded((origin, publisher, expiresAt, packet) => {
        if (ports.origins.has(header.sender, origin)) return;
        const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
        this.#deliver(message, ports.match(message.publish.topic), false, true, batch, null);
        ports.origins.add(header.sender, origin);
      }),
      shared: guarded((member, sequence, publisher, expiresAt, packet) => {
        const origin = { shard: sharedOrigin, sequence };
        if (sequence !== 0 && ports.origins.has(header.sender, origin)) return;
        const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
        this.#deliverShared(member, message, writeAtOnce || sequence !== 0, batch);
        if (sequence !== 0) ports.origins.add(header.sender, origin);
        if (member.turn !== 0) ports.turnTaken(header.sender, member.uid, member.turn);
      }),
      retained: guarded((session, filter, expiresAt, packet) => {
        const grant = ports.grantOf(session, filter);
        if (grant === null) return;
        // SUBACK and the next page go on from here: a session that outlives a crash must have them by then.
        const durable = writeAtOnce || ports.lasting(session);
        this.#deliver(new Message(readTrustedPublish(packet), 0, expiresAt), [grant], true, durable, batch, null);
      }),
      routed: guarded((first, count, reasonCode) => ports.routed(header.sender, first, count, reasonCode)),
      routeStored: guarded((request, accepted) => ports.routeStored(header.sender, request, accepted)),
      retainedPage: guarded((page) => ports.retainedPage(header.sender, page)),
    };
    visitEntries(envelope, visitor);
    ports.origins.commit(); // Before anything is sent: what is sent must not come again.
    // A write holds back all that is sent behind it until it is durable: what can be sent goes first.
    ports.settle();
    if (batch.toStore.length > 0) {
      const outbounds = new Set<Outbound>();
      const outcomes: (Outcome | null)[] = [];
      for (const each of batch.toStore) {
        try {
          this.#store(each, outbounds);
          outcomes.push(each.outcome);
        } catch (error) {
          ports.failed(error);
          failures.push(error);
          each.outcome?.(reasonCodes.unspecifiedError);
        }
      }
      ports.store.commit(); // All of the batch in one write.
      for (const outcome of outcomes) outcome?.(reasonCodes.success);
      for (const outbound of outbounds) {
        if (ports.session(outbound.session)?.outbound !== outbound) continue;
        guarded(() => outbound.stored(ports.now(), ports.effects))();
      }
      batch.toStore.length = 0;
      guarded(() => ports.stored())();
      ports.settle();
    }
    batch.settled();
    if (batch.unsafe) this.#await(batch, ackDeadlineMs);
    if (failures.length > 0) throw failures[0];
    return batch.unsafe ? batch.safe : undefined;
  }

  /** `outcome`, if any, is told once when it is safe. */
  #deliver(
    message: Message,
    grants: readonly Grant[],
    retained: boolean,
    writeAtOnce: boolean,
    batch: Batch,
    outcome: Outcome | null,
    share = "",
  ): void {
    if (grants.length === 0) return;
    const { effects } = this.#ports;
    const now = this.#ports.now();
    const delivery = new Delivery(message, () => {
      outcome?.(reasonCodes.success);
      batch.settled();
    });
    const recipients: Recipient[] = [];
    const outbounds: Outbound[] = [];
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
      const recipient = session.outbound.offer(delivery, place, writeAtOnce, now, effects);
      if (recipient === null) continue;
      recipients.push(recipient);
      outbounds.push(session.outbound);
    }
    const stores = recipients.length > 0;
    if (stores) batch.toStore.push({ message, recipients, outbounds, outcome: delivery.safe ? outcome : null });
    if (delivery.safe) {
      if (!stores) outcome?.(reasonCodes.success);
      return;
    }
    batch.add(delivery);
    delivery.arm();
  }

  /** A message of a share for one member: if its client is not there, another member is to get it. */
  #deliverShared({ uid, share }: SharedWith, message: Message, writeAtOnce: boolean, batch: Batch): void {
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

  /** One timer for all batches: mostly they are safe long before. */
  #await(batch: Batch, ackDeadlineMs: number): void {
    batch.due = this.#ports.now() + ackDeadlineMs;
    this.#unsafe.add(batch);
    if (!this.#armed) this.#arm(ackDeadlineMs);
  }

  #arm(ms: number): void {
    this.#armed = true;
    setTimeout(() => {
      this.#armed = false;
      const now = this.#ports.now();
      for (const batch of Array.from(this.#unsafe)) if (batch.due <= now) this.#meetDeadline(batch, now);
      this.#ports.settle();
      const [next] = this.#unsafe;
      if (next !== undefined) this.#arm(Math.max(1, next.due - now));
    }, ms);
  }

  /** The deadline of a batch has come. What could not be written is tried again: it is not safe before. */
  #meetDeadline(batch: Batch, now: number): void {
    this.#unsafe.delete(batch);
    try {
      this.#writeUnacknowledged(batch);
    } catch (error) {
      this.#ports.failed(error);
      log.error("what was not acknowledged could not be written", { error });
      batch.due = now + AGAIN_MS;
      this.#unsafe.add(batch);
    }
  }

  /** What is not acknowledged goes to the store. */
  #writeUnacknowledged(batch: Batch): void {
    for (const delivery of batch.deliveries) {
      const inflight = Array.from(delivery.awaited);
      if (inflight.length === 0) continue;
      this.#ports.store.append(delivery.message, inflight.map(recipientOf));
      for (const each of inflight) {
        each.outbound.missedDeadline(each, this.#ports.effects);
        delivery.settle(each);
      }
    }
  }
}
