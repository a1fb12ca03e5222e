// One session as a state machine: against a model under random events, and rule by rule.

import fc from "fast-check";
import { expect, it } from "vitest";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { Delivery, recipientOf } from "../../../src/broker/session/delivery.ts";
import type { Effect } from "../../../src/broker/session/effects.ts";
import { noHandshakes } from "../../../src/broker/session/handshakes.ts";
import { Message } from "../../../src/broker/session/message.ts";
import type { OutboundLimits } from "../../../src/broker/session/outbound.ts";
import { Session } from "../../../src/broker/session/session.ts";
import { inOrderOfArrival } from "../../../src/broker/session/queue-order.ts";
import { MemoryStore } from "./memory-store.ts";

const UID = 1;
const roomy: OutboundLimits = {
  inflightMax: 32,
  queueLengthMax: 1_000,
  queueBytesMax: 1e7,
  queueStoreQos0: true,
  queueOrder: inOrderOfArrival,
};
const EMPTY = {
  sentUpTo: 0,
  lastNumber: 0,
  sent: 0,
  queued: 0,
  queuedBytes: 0,
  queuedQos0: 0,
  shared: 0,
  classes: [],
  lastArrival: 0,
};
const utf8 = new TextDecoder();

function message(id: number, qos: 0 | 1, expiresAt = 0): Message {
  const payload = new TextEncoder().encode(`${id}`);
  const bytes = writePublish({ topic: "t", qos, retain: false, packetId: qos, properties: new Uint8Array(), payload });
  return new Message(readTrustedPublish(bytes), 0, expiresAt);
}

/** A session with its shard's part: stores what must be stored, writes at the deadline. */
class Harness {
  readonly store = new MemoryStore();
  readonly limits: OutboundLimits;
  readonly effects: Effect[] = [];
  session: Session;
  unsafe = new Set<Delivery>();
  /** What the client got: payload, packet id, DUP. */
  received: { id: number; packetId: number; dup: boolean }[] = [];
  drops: string[] = [];

  constructor(limits: OutboundLimits = roomy) {
    this.limits = limits;
    this.session = this.#load(0);
  }

  #load(sentUpTo: number): Session {
    const state = sentUpTo === 0 ? { ...EMPTY, ...this.store.state(UID, 0) } : this.store.state(UID, sentUpTo);
    return new Session({
      uid: UID,
      clientId: "c",
      store: this.store,
      state,
      limits: this.limits,
      inboundLimits: { receiveMaximum: 10, awaitingReleaseMax: 5 },
      handshakes: noHandshakes,
    });
  }

  connect(receiveMaximum = 65_535, maximumPacketSize: number | null = null): void {
    this.session.handle({ type: "connected", client: { receiveMaximum, maximumPacketSize } }, 0, this.effects);
    this.settle();
  }

  disconnect(): void {
    this.session.handle({ type: "disconnected", keep: true }, 0, this.effects);
    this.settle();
  }

  /** The object loses its memory while the client is connected, as it may once nothing is in memory alone. */
  hibernate(receiveMaximum: number): void {
    this.deadline();
    const { sentUpTo, cursor } = this.session.outbound;
    this.session = this.#load(sentUpTo);
    const client = { receiveMaximum, maximumPacketSize: null };
    this.session.handle({ type: "resumed", client, cursor }, 0, this.effects);
    this.settle();
  }

  deliver(each: Message, now = 0): void {
    const delivery = new Delivery(each, () => this.unsafe.delete(delivery));
    const place = { qos: each.publish.qos, retain: false, retained: false, identifiers: [], share: "" };
    const recipient = this.session.outbound.offer(delivery, place, false, now, this.effects);
    if (recipient !== null) {
      this.store.append(each, [recipient]);
      this.session.handle({ type: "stored" }, now, this.effects);
    }
    if (!delivery.safe) this.unsafe.add(delivery);
    delivery.arm();
    this.settle();
  }

  deadline(): void {
    for (const delivery of this.unsafe) {
      const inflight = [...delivery.awaited];
      this.store.append(delivery.message, inflight.map(recipientOf));
      for (const entry of inflight) {
        entry.outbound.missedDeadline(entry, this.effects);
        delivery.settle(entry);
      }
    }
  }

  acknowledge(packetId: number): void {
    this.session.handle(
      { type: "acknowledgement", packet: { type: "puback", packetId, reasonCode: 0 } },
      0,
      this.effects,
    );
    this.settle();
  }

  settle(): void {
    for (const effect of this.effects) {
      if (effect.type === "drop") this.drops.push(effect.reason);
      if (effect.type !== "send") continue;
      const publish = readTrustedPublish(effect.packet);
      const id = Number(utf8.decode(publish.bytes.subarray(publish.payloadOffset)));
      this.received.push({ id, packetId: publish.packetId, dup: publish.dup });
    }
    this.effects.length = 0;
  }
}

type Op =
  | { type: "deliver"; qos: 0 | 1 }
  | { type: "acknowledge"; which: number }
  | { type: "lose" | "hibernate" | "deadline" };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant("deliver" as const), qos: fc.constantFrom(0 as const, 1 as const) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("acknowledge" as const), which: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom("lose" as const, "hibernate" as const, "deadline" as const) }),
  },
);

it("[MQTT-4.3.2] [MQTT-4.6.0] delivers QoS 1 at least once and in order, within the window, over any events", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (ops, receiveMaximum) => {
      const harness = new Harness();
      harness.connect(receiveMaximum);
      let connected = true;
      let id = 0;
      const expected: number[] = [];
      const unacknowledged = () => {
        const owed: number[] = [];
        for (const { packetId } of harness.received.slice(seen))
          if (packetId !== 0 && !acknowledged.has(packetId)) owed.push(packetId);
        return [...new Set(owed)];
      };
      let seen = 0;
      let acknowledged = new Set<number>();
      for (const step of ops) {
        switch (step.type) {
          case "deliver":
            id += 1;
            if (step.qos === 1) expected.push(id);
            harness.deliver(message(id, step.qos));
            break;
          case "acknowledge": {
            const owed = unacknowledged();
            const packetId = owed[step.which % Math.max(1, owed.length)];
            if (connected && packetId !== undefined) {
              acknowledged.add(packetId);
              harness.acknowledge(packetId);
            }
            break;
          }
          case "lose":
            if (connected) harness.disconnect();
            else {
              seen = harness.received.length;
              acknowledged = new Set();
              harness.connect(receiveMaximum);
            }
            connected = !connected;
            break;
          case "hibernate":
            if (connected) harness.hibernate(receiveMaximum);
            break;
          case "deadline":
            harness.deadline();
            break;
          default:
            step satisfies never;
        }
        expect(harness.session.outbound.inflight).toBeLessThanOrEqual(receiveMaximum);
      }
      if (connected) harness.disconnect();
      seen = harness.received.length;
      harness.connect(receiveMaximum);
      for (let i = seen; i < harness.received.length; i++) harness.acknowledge(harness.received[i]?.packetId ?? 0);
      const first = [...new Set(harness.received.map((each) => each.id))].filter((each) => expected.includes(each));
      expect(first).toEqual(expected);
      expect(harness.drops).toEqual([]);
      expect(harness.store.state(UID, 0)).toEqual({ ...EMPTY });
      expect(harness.unsafe.size).toBe(0);
    }),
    { seed: 3, numRuns: 500 },
  );
});

it("stores nothing for a client that acknowledges in time", () => {
  const harness = new Harness();
  harness.connect();
  for (let id = 1; id <= 100; id++) {
    harness.deliver(message(id, 1));
    harness.acknowledge(harness.received.at(-1)?.packetId ?? 0);
  }
  expect(harness.store.messages).toBe(0);
  expect(harness.received).toHaveLength(100);
});

it("[MQTT-3.3.4-9] never has more unacknowledged messages than the client takes", () => {
  const harness = new Harness();
  harness.connect(3);
  for (let id = 1; id <= 10; id++) harness.deliver(message(id, 1));
  expect(harness.received.map(({ id }) => id)).toEqual([1, 2, 3]);
  harness.acknowledge(harness.received[0]?.packetId ?? 0);
  expect(harness.received.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
});

it("drops the oldest message of a full queue and says why", () => {
  const harness = new Harness({ ...roomy, queueLengthMax: 3 });
  for (let id = 1; id <= 5; id++) harness.deliver(message(id, 1));
  expect(harness.drops).toEqual(["queue_full", "queue_full"]);
  harness.connect();
  expect(harness.received.map(({ id }) => id)).toEqual([3, 4, 5]);
});

it("drops QoS 0 for a client that is away only where it is not stored", () => {
  const storing = new Harness();
  storing.deliver(message(1, 0));
  storing.connect();
  expect(storing.received.map(({ id }) => id)).toEqual([1]);
  const dropping = new Harness({ ...roomy, queueStoreQos0: false });
  dropping.deliver(message(1, 0));
  expect(dropping.drops).toEqual(["qos0_offline"]);
});

it("[MQTT-3.3.2-5] drops what expired while it waited", () => {
  const harness = new Harness();
  harness.deliver(message(1, 1, 1_000), 0);
  harness.deliver(message(2, 1), 0);
  harness.session.handle(
    { type: "connected", client: { receiveMaximum: 10, maximumPacketSize: null } },
    2_000,
    harness.effects,
  );
  harness.settle();
  expect(harness.received.map(({ id }) => id)).toEqual([2]);
  expect(harness.drops).toEqual(["expired"]);
});

it("[MQTT-3.1.2-24] drops a message too large for the client, for it alone", () => {
  const harness = new Harness();
  harness.connect(10, 5);
  harness.deliver(message(1, 1));
  expect(harness.received).toEqual([]);
  expect(harness.drops).toEqual(["too_large"]);
  expect(harness.unsafe.size).toBe(0);
});

it("waits for credit: QoS 1 is stored, QoS 0 dropped, and sent on when it comes", () => {
  const harness = new Harness();
  harness.connect();
  harness.session.handle({ type: "credit", available: false }, 0, harness.effects);
  harness.deliver(message(1, 1));
  harness.deliver(message(2, 0));
  expect(harness.received).toEqual([]);
  expect(harness.drops).toEqual(["no_credit"]);
  harness.session.handle({ type: "credit", available: true }, 0, harness.effects);
  harness.settle();
  expect(harness.received.map(({ id }) => id)).toEqual([1]);
});

it("[MQTT-4.6.0-2] acknowledges publishes in the order in which they came", () => {
  const harness = new Harness();
  harness.connect();
  const { inbound } = harness.session;
  const publish = (packetId: number) => {
    const bytes = writePublish({
      topic: "t",
      qos: 1,
      retain: false,
      packetId,
      properties: new Uint8Array(),
      payload: new Uint8Array(),
    });
    harness.session.handle({ type: "publish", publish: readTrustedPublish(bytes) }, 0, harness.effects);
    const effect = harness.effects.pop();
    if (effect?.type !== "route" || effect.inbound === null) return expect.unreachable();
    return effect.inbound;
  };
  const [one, two, three] = [publish(1), publish(2), publish(3)];
  inbound.routed(two, 0, harness.effects);
  expect(harness.effects).toEqual([]);
  inbound.routed(one, 0, harness.effects);
  inbound.routed(three, 0x10, harness.effects);
  const sent = harness.effects.map((effect) => (effect.type === "send" ? [...effect.packet.subarray(2)] : []));
  expect(sent).toEqual([
    [0, 1],
    [0, 2],
    [0, 3, 0x10],
  ]);
});

it("[MQTT-3.3.4-9] ends a client that sends more unacknowledged messages than the server takes", () => {
  const harness = new Harness();
  harness.connect();
  const properties = new Uint8Array();
  for (let packetId = 1; packetId <= 11; packetId++) {
    const bytes = writePublish({ topic: "t", qos: 1, retain: false, packetId, properties, payload: properties });
    harness.session.handle({ type: "publish", publish: readTrustedPublish(bytes) }, 0, harness.effects);
  }
  expect(harness.effects.map(({ type }) => type)).toEqual([...Array.from({ length: 10 }, () => "route"), "end"]);
  expect(harness.effects.at(-1)).toMatchObject({ reasonCode: 0x93 });
});

it("[MQTT-4.4.0-1] goes on with what must be sent again after the memory was lost in the middle of it", () => {
  const harness = new Harness();
  harness.connect();
  for (let id = 1; id <= 5; id++) harness.deliver(message(id, 1));
  harness.disconnect();
  harness.connect(1);
  harness.hibernate(1);
  for (let i = 5; i < harness.received.length; i++) harness.acknowledge(harness.received[i]?.packetId ?? 0);
  expect(harness.received.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
});
