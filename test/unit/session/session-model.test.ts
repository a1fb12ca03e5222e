// A session and its client under random events: what a client gets and gives at QoS 1 and 2, whatever is lost, forgotten
// or repeated between two packets. The client follows section 4.3 of MQTT 5.0.

import fc from "fast-check";
import { expect, it } from "vitest";
import { readAcknowledgement, writeAcknowledgement } from "../../../src/broker/mqtt/acknowledgement.ts";
import type { Acknowledgement } from "../../../src/broker/mqtt/packets.ts";
import type { Publish } from "../../../src/broker/mqtt/publish.ts";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { Delivery, recipientOf } from "../../../src/broker/session/delivery.ts";
import type { Effect } from "../../../src/broker/session/effects.ts";
import type { Handshakes } from "../../../src/broker/session/handshakes.ts";
import { noHandshakes, readHandshakes, writeHandshakes } from "../../../src/broker/session/handshakes.ts";
import { Message } from "../../../src/broker/session/message.ts";
import { Session } from "../../../src/broker/session/session.ts";
import type { OutboundLimits } from "../../../src/broker/session/outbound.ts";
import { inOrderOfArrival } from "../../../src/broker/session/queue-order.ts";
import type { QueueOrder } from "../../../src/broker/session/queue-order.ts";
import { MemoryStore } from "./memory-store.ts";

const UID = 1;
const PUBLISH = 3;
/** How long a message that expires lives. */
const LIFE_MS = 1_000;
const limits = {
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

/** Tables of priorities that follow one another. */
const tables: QueueOrder["priorities"][] = [
  null,
  new Map([["b", 9]]),
  new Map([
    ["a", 3],
    ["b", 1],
  ]),
  null,
  new Map([["a", 255]]),
];

function topicOf(id: number): "a" | "b" {
  return id % 3 === 0 ? "b" : "a";
}

function publish(id: number, qos: 0 | 1 | 2, packetId: number, dup = false): Uint8Array {
  const payload = new TextEncoder().encode(`${id}`);
  return writePublish({ topic: topicOf(id), qos, retain: false, dup, packetId, properties: new Uint8Array(), payload });
}

function idOf({ bytes, payloadOffset }: Publish): number {
  return Number(new TextDecoder().decode(bytes.subarray(payloadOffset)));
}

/** The session, what its shard does for it, and its client; packets between them may be lost with the connection. */
class World {
  readonly store = new MemoryStore();
  /** What the shard has written. */
  #handshakes: Handshakes = noHandshakes;
  #sentUpTo = 0;
  #session: Session;
  readonly #receiveMaximum: number;
  readonly #queueLengthMax: number;
  /** Milliseconds. */
  #now = 1;
  /** Messages that were dropped, and counted. */
  dropped = 0;
  /** When a message expires, of those that do. */
  readonly #expiresAt = new Map<number, number>();
  /** What may have been sent. */
  readonly #sent = new Set<number>();
  readonly #effects: Effect[] = [];
  #unsafe = new Set<Delivery>();
  connected = false;
  #tables = 0;
  /** On their way to the client. */
  #toClient: Uint8Array[] = [];
  /** Messages of the topic shards that this shard has not answered: they come again if it dies. */
  readonly #unanswered = new Map<number, { qos: 0 | 1 | 2; packet: Uint8Array }>();
  /** Highest message that came and was written: those that are to come once are known by it. */
  #highest = 0;

  // The client.
  readonly got = { 0: [] as number[], 1: [] as number[], 2: [] as number[] };
  readonly #unreleased = new Set<number>();
  /** What it publishes, by packet id. */
  readonly #publishing = new Map<number, { id: number; received: boolean }>();
  #nextPacketId = 1;
  /** What the session took, to be routed. */
  readonly taken: number[] = [];
  /** What was taken and is not written. */
  #takenUnwritten: number[] = [];
  #nextId = 0;
  readonly delivered = { 1: [] as number[], 2: [] as number[] };
  readonly published: number[] = [];

  constructor(receiveMaximum: number, queueLengthMax: number = limits.queueLengthMax) {
    this.#receiveMaximum = receiveMaximum;
    this.#queueLengthMax = queueLengthMax;
    this.#session = this.#load();
  }

  get queued(): number {
    return this.#session.outbound.queued;
  }

  get inflight(): number {
    return this.#session.outbound.inflight;
  }

  /** The deployment's settings change. */
  nextTable(): void {
    this.#tables += 1;
    this.#session.outbound.limits = this.#limits;
  }

  get #limits(): OutboundLimits {
    const priorities = tables[this.#tables % tables.length] ?? null;
    return {
      ...limits,
      queueLengthMax: this.#queueLengthMax,
      queueOrder: { generation: 1 + this.#tables, priorities, defaultPriority: 0 },
    };
  }

  get open(): number {
    return this.#publishing.size + this.#unreleased.size + this.#unanswered.size + this.inflight;
  }

  connect(): void {
    this.connected = true;
    const client = { receiveMaximum: this.#receiveMaximum, maximumPacketSize: null };
    this.#session.handle({ type: "connected", client }, this.#now, this.#effects);
    this.#settle();
    for (const [packetId, { id, received }] of this.#publishing) this.#say(packetId, id, received, true);
  }

  /** The connection breaks: what is on its way is lost. */
  disconnect(): void {
    this.connected = false;
    this.#toClient = [];
    this.#session.handle({ type: "disconnected", keep: true }, this.#now, this.#effects);
    this.#settle();
  }

  /** The object dies: its memory and the connection are gone, and what is not answered comes again. */
  crash(): void {
    this.connected = false;
    this.#toClient = [];
    this.#unsafe = new Set();
    this.#takenUnwritten = [];
    // Which of the stored messages had been sent is forgotten.
    for (let id = 1; id <= this.#nextId; id++) this.#sent.add(id);
    this.#sentUpTo = Math.max(this.#sentUpTo, this.store.state(UID, 0).lastNumber);
    this.#session = this.#load();
    for (const [id, { qos, packet }] of Array.from(this.#unanswered)) this.#offer(id, qos, packet, false);
  }

  hibernate(): void {
    this.deadline();
    const { sentUpTo, cursor } = this.#session.outbound;
    this.#sentUpTo = sentUpTo;
    this.#session = this.#load();
    if (!this.connected) return;
    const client = { receiveMaximum: this.#receiveMaximum, maximumPacketSize: null };
    this.#session.handle({ type: "resumed", client, cursor }, this.#now, this.#effects);
    this.#settle();
  }

  /** A message comes from a topic shard, of which nothing may be in memory alone when this returns, or anything may. */
  deliver(qos: 0 | 1 | 2, writeAtOnce: boolean, expires = false): void {
    this.#nextId += 1;
    if (expires) this.#expiresAt.set(this.#nextId, this.#now + LIFE_MS);
    const packet = publish(this.#nextId, qos, qos);
    if (qos > 0) {
      this.delivered[qos as 1 | 2].push(this.#nextId);
      this.#unanswered.set(this.#nextId, { qos, packet });
    }
    this.#offer(this.#nextId, qos, packet, writeAtOnce);
  }

  /** Time goes by: what is to expire does. */
  pass(): void {
    this.#now += LIFE_MS;
  }

  /** What is not acknowledged in time is written. */
  deadline(): void {
    for (const delivery of Array.from(this.#unsafe)) {
      const inflight = [...delivery.awaited];
      this.store.append(delivery.message, inflight.map(recipientOf));
      for (const entry of inflight) {
        entry.outbound.missedDeadline(entry, this.#effects);
        delivery.settle(entry);
      }
    }
    this.#settle();
  }

  /** The client publishes at QoS 2. */
  publish(): void {
    const packetId = this.#nextPacketId;
    if (!this.connected || this.#publishing.has(packetId)) return;
    this.#nextPacketId = (packetId % 4) + 1;
    this.#nextId += 1;
    this.published.push(this.#nextId);
    this.#publishing.set(packetId, { id: this.#nextId, received: false });
    this.#say(packetId, this.#nextId, false, false);
  }

  /** The client takes the next packet that is on its way. */
  take(): boolean {
    const packet = this.#toClient.shift();
    if (packet === undefined) return false;
    if ((packet[0] ?? 0) >> 4 === PUBLISH) this.#onPublish(readTrustedPublish(packet));
    else this.#onAcknowledgement(readAcknowledgement(packet, 5));
    return true;
  }

  #onPublish(message: Publish): void {
    const { qos, packetId } = message;
    if (qos < 2) this.got[qos].push(idOf(message));
    else if (!this.#unreleased.has(packetId)) {
      this.#unreleased.add(packetId);
      this.got[2].push(idOf(message));
    }
    if (qos > 0) this.#acknowledge(qos === 1 ? "puback" : "pubrec", packetId);
  }

  #onAcknowledgement({ type, packetId, reasonCode }: Acknowledgement): void {
    const open = this.#publishing.get(packetId);
    if (type === "pubrel") {
      this.#unreleased.delete(packetId);
      this.#acknowledge("pubcomp", packetId);
    } else if (type === "pubrec" && open !== undefined) {
      expect(reasonCode).toBe(0);
      open.received = true;
      this.#acknowledge("pubrel", packetId);
    } else if (type === "pubcomp") this.#publishing.delete(packetId);
  }

  #say(packetId: number, id: number, received: boolean, dup: boolean): void {
    if (received) this.#acknowledge("pubrel", packetId);
    else {
      const event = { type: "publish" as const, publish: readTrustedPublish(publish(id, 2, packetId, dup)) };
      this.#session.handle(event, this.#now, this.#effects);
      this.#settle();
    }
  }

  #acknowledge(type: Acknowledgement["type"], packetId: number): void {
    const packet = readAcknowledgement(writeAcknowledgement(type, packetId, 0, 5), 5);
    this.#session.handle({ type: "acknowledgement", packet }, this.#now, this.#effects);
    this.#settle();
  }

  #offer(id: number, qos: 0 | 1 | 2, packet: Uint8Array, writeAtOnce: boolean): void {
    if (qos === 2 && id <= this.#highest) {
      this.#unanswered.delete(id);
      return;
    }
    const safe = () => {
      this.#unsafe.delete(delivery);
      this.#unanswered.delete(id);
    };
    const delivery = new Delivery(new Message(readTrustedPublish(packet), 0, this.#expiresAt.get(id) ?? 0), safe);
    const place = { qos, retain: false, retained: false, identifiers: [], share: "" };
    const recipient = this.#session.outbound.offer(delivery, place, writeAtOnce, this.#now, this.#effects);
    if (qos === 2) this.#highest = id;
    if (recipient !== null) {
      this.store.append(delivery.message, [recipient]);
      this.#session.handle({ type: "stored" }, this.#now, this.#effects);
    }
    delivery.arm();
    if (delivery.safe) safe();
    else this.#unsafe.add(delivery);
    this.#settle();
  }

  /** What the shard does at the end of each event: first it writes, then it sends. */
  #settle(): void {
    for (const effect of this.#effects) {
      if (effect.type === "take") {
        this.#takenUnwritten.push(idOf(effect.publish));
        effect.inbound.taken(effect.publish.packetId, 0, this.#effects);
      }
    }
    const keeps = this.#effects.some(({ type }) => type === "keep");
    if (keeps) this.#handshakes = readHandshakes(writeHandshakes(this.#session.handshakes));
    this.taken.push(...this.#takenUnwritten);
    this.#takenUnwritten = [];
    for (const effect of this.#effects) {
      expect(effect.type).not.toBe("end");
      if (effect.type === "drop") this.dropped += 1;
      if (effect.type === "send" && this.connected) this.#send(effect.packet);
    }
    this.#effects.length = 0;
  }

  /** What was never begun is not sent once it has expired. [MQTT-3.3.2-5] */
  #send(packet: Uint8Array): void {
    this.#toClient.push(packet);
    if ((packet[0] ?? 0) >> 4 !== PUBLISH) return;
    const id = idOf(readTrustedPublish(packet));
    if (!this.#sent.has(id)) expect(this.#expiresAt.get(id) ?? Infinity).toBeGreaterThan(this.#now);
    this.#sent.add(id);
  }

  #load(): Session {
    const state =
      this.#sentUpTo === 0 ? { ...EMPTY, ...this.store.state(UID, 0) } : this.store.state(UID, this.#sentUpTo);
    return new Session({
      uid: UID,
      clientId: "c",
      store: this.store,
      state,
      limits: this.#limits,
      inboundLimits: { receiveMaximum: 65_535, awaitingReleaseMax: 10 },
      handshakes: this.#handshakes,
    });
  }
}

type Step =
  | "deliver0"
  | "deliver1"
  | "write1"
  | "deliver2"
  | "expiring1"
  | "expiring2"
  | "pass"
  | "publish"
  | "take"
  | "lose"
  | "hibernate"
  | "crash"
  | "deadline"
  | "nextTable";

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<Step[]>("deliver1", "deliver1", "write1", "deliver2", "publish") },
  { weight: 1, arbitrary: fc.constant<Step>("deliver0") },
  { weight: 16, arbitrary: fc.constant<Step>("take") },
  { weight: 3, arbitrary: fc.constantFrom<Step[]>("lose", "hibernate", "crash", "deadline") },
);
const ranking = fc.oneof({ weight: 12, arbitrary: step }, { weight: 1, arbitrary: fc.constant<Step>("nextTable") });

const expiring = fc.oneof(
  { weight: 12, arbitrary: ranking },
  { weight: 4, arbitrary: fc.constantFrom<Step[]>("expiring1", "expiring2", "pass") },
);

/** Runs the steps, and all that is under way then. */
function run(steps: readonly Step[], receiveMaximum: number, queueLengthMax?: number): World {
  const world = new World(receiveMaximum, queueLengthMax);
  world.connect();
  for (const each of steps) {
    switch (each) {
      case "deliver0":
      case "deliver1":
      case "write1":
      case "deliver2":
        world.deliver(Number(each.slice(-1)) as 0 | 1 | 2, each === "write1" || each === "deliver2");
        break;
      case "expiring1":
      case "expiring2":
        world.deliver(Number(each.slice(-1)) as 1 | 2, each === "expiring2", true);
        break;
      case "lose":
        if (world.connected) world.disconnect();
        else world.connect();
        break;
      case "publish":
      case "take":
      case "hibernate":
      case "crash":
      case "deadline":
      case "nextTable":
      case "pass":
        world[each]();
        break;
      default:
        each satisfies never;
    }
    expect(world.inflight).toBeLessThanOrEqual(receiveMaximum);
    if (queueLengthMax === undefined) expect(world.dropped).toBe(0);
    else expect(world.queued).toBeLessThanOrEqual(queueLengthMax);
  }
  if (!world.connected) world.connect();
  while (world.take());
  expect(world.taken).toEqual(world.published);
  expect(new Set(world.got[0]).size).toBe(world.got[0].length);
  expect(world.open).toBe(0);
  expect(world.store.state(UID, 0)).toEqual(EMPTY);
  return world;
}

it("[MQTT-4.3.3-1] [MQTT-4.3.2-1] [MQTT-4.6.0-1] QoS 2 is once, QoS 1 at least once, both in order, within the window", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 5 }), (steps, receiveMaximum) => {
      const { got, delivered } = run(steps, receiveMaximum);
      expect(got[2]).toEqual(delivered[2]);
      expect([...new Set(got[1])]).toEqual(delivered[1]);
    }),
    { seed: 11, numRuns: 2_000 },
  );
});

it("[MQTT-4.3.3-1] [MQTT-4.6.0-6] so it is of each topic, whatever the topics' priorities and however they change", () => {
  fc.assert(
    fc.property(fc.array(ranking, { maxLength: 120 }), fc.integer({ min: 1, max: 5 }), (steps, receiveMaximum) => {
      const { got, delivered } = run(steps, receiveMaximum);
      for (const topic of ["a", "b"]) {
        const of = (ids: Iterable<number>) => [...ids].filter((id) => topicOf(id) === topic);
        expect(of(got[2])).toEqual(of(delivered[2]));
        expect(of(new Set(got[1]))).toEqual(of(delivered[1]));
      }
    }),
    { seed: 12, numRuns: 2_000 },
  );
});

it("[MQTT-3.3.2-5] what expires or finds the queue full is dropped and counted, the rest is as ever, and no bound is passed", () => {
  const windows = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(
      fc.array(expiring, { maxLength: 120 }),
      windows,
      fc.integer({ min: 1, max: 6 }),
      (steps, window, bound) => {
        const { got, delivered, dropped } = run(steps, window, bound);
        let missing = 0;
        for (const qos of [1, 2] as const) {
          const had = new Set(got[qos]);
          missing += delivered[qos].filter((id) => !had.has(id)).length;
          if (qos === 2) expect(got[2]).toHaveLength(had.size);
          for (const topic of ["a", "b"]) {
            const of = (ids: Iterable<number>) => [...ids].filter((id) => topicOf(id) === topic);
            expect(of(had)).toEqual(of(delivered[qos]).filter((id) => had.has(id)));
          }
        }
        expect(missing).toBeLessThanOrEqual(dropped);
      },
    ),
    { seed: 13, numRuns: 2_000 },
  );
});
