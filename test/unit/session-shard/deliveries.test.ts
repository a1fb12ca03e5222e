// A batch for very many sessions: what of it is in memory at a time, and that nothing else depends on how much that is.

import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import type { QoS } from "../../../src/broker/mqtt/packets.ts";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import type { Effect } from "../../../src/broker/session/effects.ts";
import type { Grant } from "../../../src/broker/session/grants.ts";
import { noHandshakes } from "../../../src/broker/session/handshakes.ts";
import type { Message } from "../../../src/broker/session/message.ts";
import { inOrderOfArrival } from "../../../src/broker/session/queue-order.ts";
import { Session } from "../../../src/broker/session/session.ts";
import type { Recipient } from "../../../src/broker/session/session-store.ts";
import type { EnvelopeHeader, Origin } from "../../../src/contracts/envelope.ts";
import { EnvelopeWriter } from "../../../src/contracts/envelope-writer.ts";
import { Deliveries } from "../../../src/durable-objects/session-shard/deliveries.ts";
import { MemoryStore } from "../session/memory-store.ts";

const MESSAGES = 200;
const SESSIONS = 1_000;
const header: EnvelopeHeader = {
  sender: 0,
  incarnation: 1,
  sequence: 1,
  base: 1,
  receiver: 1,
  answered: 0,
  writeAtOnce: false,
};

/** Counts what is stored, and keeps none of it. */
class Store extends MemoryStore {
  stored = 0;
  /** Of that, what was in memory alone before. */
  moved = 0;
  /** Copies of each write. */
  readonly writes: number[] = [];
  #copies = 0;

  override append(message: Message, recipients: readonly Recipient[]): void {
    message.storedAs ||= 1;
    this.#copies += recipients.length;
    this.stored += recipients.length;
    if (recipients.length === 1) this.moved += 1;
  }

  override commit(): void {
    if (this.#copies > 0) this.writes.push(this.#copies);
    this.#copies = 0;
  }
}

class Shard {
  readonly store = new Store();
  readonly effects: Effect[] = [];
  /** What was sent or dropped at a time. */
  readonly settled: number[] = [];
  /** Payloads that session 1 was sent. */
  readonly sent: string[] = [];
  /** Outcomes of this shard's own publishes, by their numbers. */
  readonly outcomes = new Map<number, number>();
  /** Origins that were not durable when something might be sent, and those that are. */
  uncommitted = 0;
  readonly origins: Origin[] = [];
  #toCommit: Origin[] = [];
  readonly #sessions: Map<number, Session>;
  readonly #grants: readonly Grant[];
  readonly deliveries: Deliveries;

  constructor(online: boolean, qos: QoS, sessions = SESSIONS) {
    const uids = Array.from({ length: sessions }, (_, i) => i + 1);
    this.#sessions = new Map(uids.map((uid) => [uid, this.#session(uid, online)]));
    this.#grants = uids.map((session) => {
      const grant = { session, qos, retainAsPublished: false, identifiers: [] };
      return { ...grant, own: { ...grant, own: null } };
    });
    this.deliveries = this.#newDeliveries();
  }

  receive(
    write: (envelope: EnvelopeWriter, n: number, packet: Uint8Array) => void,
    qos: QoS,
  ): Promise<void> | undefined {
    const envelope = new EnvelopeWriter();
    for (let n = 1; n <= MESSAGES; n++) {
      const payload = new TextEncoder().encode(`${n}`);
      const fields = { topic: "t", qos, retain: false, packetId: 1, properties: new Uint8Array(), payload } as const;
      write(envelope, n, writePublish(fields));
    }
    return this.deliveries.receive(envelope.seal(header), header);
  }

  #session(uid: number, online: boolean): Session {
    const session = new Session({
      uid,
      clientId: `c${uid}`,
      store: this.store,
      state: this.store.state(uid, 0),
      limits: {
        inflightMax: 32,
        queueLengthMax: 1_000,
        queueBytesMax: 1e7,
        queueStoreQos0: true,
        queueOrder: inOrderOfArrival,
      },
      inboundLimits: { receiveMaximum: 100, awaitingReleaseMax: 100 },
      handshakes: noHandshakes,
    });
    if (online) session.handle({ type: "connected", client: { receiveMaximum: 32, maximumPacketSize: null } }, 0, []);
    return session;
  }

  #newDeliveries(): Deliveries {
    return new Deliveries({
      store: this.store,
      effects: this.effects,
      now: () => 0,
      ackDeadlineMs: () => 50,
      match: () => this.#grants,
      grantOf: () => null,
      lasting: () => true,
      session: (uid) => this.#sessions.get(uid) ?? null,
      routed: (_topicShard, first, _count, reasonCode) => this.outcomes.set(first, reasonCode),
      routeStored: () => undefined,
      retainedPage: () => undefined,
      settle: () => this.#settle(),
      stored: () => undefined,
      turnTaken: () => undefined,
      shares: { giveBack: () => undefined },
      origins: {
        has: () => false,
        add: (_topicShard, origin) => this.#toCommit.push(origin),
        commit: () => this.origins.push(...this.#toCommit.splice(0)),
      },
      failed: () => undefined,
    });
  }

  #settle(): void {
    this.uncommitted += this.#toCommit.length;
    if (this.effects.length === 0) return;
    this.settled.push(this.effects.length);
    for (const effect of this.effects) {
      if (effect.type !== "send" || effect.session !== 1) continue;
      const { bytes, payloadOffset } = readTrustedPublish(effect.packet);
      this.sent.push(new TextDecoder().decode(bytes.subarray(payloadOffset)));
    }
    this.effects.length = 0;
  }
}

const numbers = Array.from({ length: MESSAGES }, (_, i) => i + 1);

describe("a batch of 200 messages for 1,000 sessions is handled in pieces", () => {
  const most = limits.copiesAtOnce + SESSIONS;
  const pieces = Math.ceil((MESSAGES * SESSIONS) / most);

  it("where they are stored: each piece is one write, and each message is told safe", () => {
    const shard = new Shard(false, 1);
    const safe = shard.receive((envelope, n, packet) => envelope.ownMessage(n, 0, 0, packet), 1);
    expect(safe).toBeUndefined();
    expect(shard.store.stored).toBe(MESSAGES * SESSIONS);
    expect(shard.store.writes).toHaveLength(pieces);
    expect(Math.max(...shard.store.writes)).toBeLessThanOrEqual(most);
    expect([...shard.outcomes]).toEqual(numbers.map((n) => [n, reasonCodes.success]));
  });

  it("where they are sent, in their order", () => {
    const shard = new Shard(true, 0);
    const safe = shard.receive((envelope, _n, packet) => envelope.message(0, 0, packet), 0);
    expect(safe).toBeUndefined();
    expect(shard.settled).toHaveLength(pieces);
    expect(Math.max(...shard.settled)).toBeLessThanOrEqual(most);
    expect(shard.sent).toEqual(numbers.map(String));
  });

  it("where they are to come once: known before anything of them is sent", () => {
    const shard = new Shard(true, 2);
    const origin = (sequence: number) => ({ shard: 3, sequence });
    shard.receive((envelope, n, packet) => envelope.messageOnce(origin(n), 0, 0, packet), 2);
    expect(shard.store.writes).toHaveLength(pieces);
    expect(shard.uncommitted).toBe(0);
    expect(shard.origins).toEqual(numbers.map(origin));
  });
});

it("copies that wait in memory alone are not more than may be: what comes then is written, and they with it", () => {
  const sessions = 2_000;
  const shard = new Shard(true, 1, sessions);
  const safe = shard.receive((envelope, _n, packet) => envelope.message(0, 0, packet), 1);
  expect(safe).toBeUndefined();
  expect(shard.store.stored).toBe(MESSAGES * sessions);
  expect(shard.store.moved).toBeGreaterThan(limits.awaitedCopies / 2);
  expect(shard.store.moved).toBeLessThanOrEqual(limits.awaitedCopies + sessions);
  expect(shard.sent).toEqual(numbers.slice(0, 32).map(String));
});

it("copies of batches before count as long as they wait", () => {
  // Each session may have 128 in memory.
  const sessions = 1_200;
  const shard = new Shard(true, 1, sessions);
  const some = (envelope: EnvelopeWriter, n: number, packet: Uint8Array) => {
    if (n <= 60) envelope.message(0, 0, packet);
  };
  expect(shard.receive(some, 1)).toBeDefined();
  expect(shard.store.stored).toBe(0);
  expect(shard.receive(some, 1)).toBeUndefined();
  expect(shard.store.stored).toBe(120 * sessions);
});
