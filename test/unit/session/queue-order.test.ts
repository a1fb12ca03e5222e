// Priorities of topics: what waits is sent in their order, and dropped against it.

import { expect, it } from "vitest";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { Delivery } from "../../../src/broker/session/delivery.ts";
import type { Effect } from "../../../src/broker/session/effects.ts";
import { Message } from "../../../src/broker/session/message.ts";
import type { OutboundLimits } from "../../../src/broker/session/outbound.ts";
import { Outbound } from "../../../src/broker/session/outbound.ts";
import type { QueueOrder } from "../../../src/broker/session/queue-order.ts";
import {
  arrivalOf,
  classOf,
  classOfNumber,
  inOrderOfArrival,
  leastClass,
  numbersOf,
  placeOf,
} from "../../../src/broker/session/queue-order.ts";
import { MemoryStore } from "./memory-store.ts";

const UID = 1;
const client = { receiveMaximum: 1, maximumPacketSize: null };
const ranked: QueueOrder = {
  generation: 2,
  priorities: new Map([
    ["high", 200],
    ["middle", 100],
  ]),
  defaultPriority: 0,
};

/** A session whose client is away; `take` gives all that is sent to it once it is back, acknowledged one by one. */
class Queue {
  readonly effects: Effect[] = [];
  readonly store = new MemoryStore();
  readonly limits: OutboundLimits;
  outbound: Outbound;

  constructor(queueOrder: QueueOrder, queueLengthMax = 100) {
    const bounds = { queueLengthMax, queueBytesMax: 1e7, inflightMax: 32, queueStoreQos0: true };
    this.limits = { ...bounds, queueOrder };
    this.outbound = new Outbound(UID, this.store, this.limits, this.store.state(UID, 0), []);
  }

  set order(queueOrder: QueueOrder) {
    this.outbound.limits = { ...this.limits, queueOrder };
  }

  offer(...messages: string[]): void {
    for (const each of messages) {
      const payload = new TextEncoder().encode(each);
      const [topic = ""] = each.split(" ");
      const fields = { topic, qos: 1, retain: false, dup: false, packetId: 1, properties: new Uint8Array() } as const;
      const message = new Message(readTrustedPublish(writePublish({ ...fields, payload })), 0, 0);
      const delivery = new Delivery(message, () => undefined);
      const place = { qos: 1, retain: false, retained: false, identifiers: [], share: "" } as const;
      const recipient = this.outbound.offer(delivery, place, false, 0, this.effects);
      if (recipient !== null) this.store.append(message, [recipient]);
      delivery.arm();
      this.outbound.stored(0, this.effects);
    }
  }

  /** The object forgets all but the store. */
  forget(): void {
    const { sentUpTo } = this.outbound;
    this.outbound = new Outbound(UID, this.store, this.limits, this.store.state(UID, sentUpTo), []);
  }

  take(count = Infinity): string[] {
    const got: string[] = [];
    for (let at = 0; at < this.effects.length && got.length < count; at++) {
      const effect = this.effects[at];
      if (effect?.type !== "send") continue;
      const { bytes, payloadOffset, packetId } = readTrustedPublish(effect.packet);
      got.push(new TextDecoder().decode(bytes.subarray(payloadOffset)));
      this.outbound.acknowledge(packetId, 1, 0, this.effects);
      this.effects.splice(at--, 1);
    }
    return got;
  }
}

it("sends by priority, and in the order of arrival within one, over a loss of memory", () => {
  const queue = new Queue(ranked);
  queue.offer("low 1", "high 1", "middle 1");
  queue.forget();
  queue.offer("low 2", "middle 2", "high 2");
  queue.outbound.connect(client, 0, queue.effects);
  expect(queue.take()).toEqual(["high 1", "high 2", "middle 1", "middle 2", "low 1", "low 2"]);
  expect(queue.store.read(UID, 0, 10)).toEqual([]);
});

it("lets what comes while the client is busy overtake what waits, but nothing that was sent", () => {
  const queue = new Queue(ranked);
  queue.outbound.connect(client, 0, queue.effects);
  queue.offer("low 1", "low 2", "high 1");
  queue.outbound.disconnect(true, queue.effects);
  queue.effects.length = 0;
  queue.outbound.connect(client, 0, queue.effects);
  expect(queue.take()).toEqual(["low 1", "high 1", "low 2"]);
});

it("drops the oldest of the lowest priority", () => {
  const queue = new Queue(ranked, 3);
  queue.offer("low 1", "low 2", "high 1", "high 2", "high 3", "middle 1", "high 4");
  expect(queue.outbound.dropped).toBe(4);
  queue.outbound.connect(client, 0, queue.effects);
  expect(queue.take()).toEqual(["high 2", "high 3", "high 4"]);
});

it("keeps the order of each topic when the table changes, and drops by priority over all of them", () => {
  const queue = new Queue(inOrderOfArrival, 6);
  queue.offer("b 1", "a 1");
  queue.order = { generation: 2, priorities: new Map([["b", 9]]), defaultPriority: 0 };
  queue.offer("a 2", "b 2");
  queue.order = { generation: 3, priorities: new Map([["a", 9]]), defaultPriority: 0 };
  queue.offer("b 3", "a 3");
  queue.order = { generation: 4, priorities: null, defaultPriority: 0 };
  queue.offer("b 4", "a 4"); // Two are too many: those without a class go first.
  expect(queue.outbound.queued).toBe(6);
  queue.outbound.connect(client, 0, queue.effects);
  expect(queue.take()).toEqual(["b 2", "a 2", "a 3", "b 3", "b 4", "a 4"]);
  queue.offer("a 5");
  expect(queue.take()).toEqual(["a 5"]);
});

it("takes topics without a priority for the highest where that is the default", () => {
  const queue = new Queue({ ...ranked, defaultPriority: 255 });
  queue.offer("middle 1", "other 1", "high 1");
  queue.outbound.connect(client, 0, queue.effects);
  expect(queue.take()).toEqual(["other 1", "high 1", "middle 1"]);
});

it("numbers places by generation, class and arrival, all behind the numbers of the session's order", () => {
  const high = placeOf(classOf(ranked, "high"), 7);
  const low = placeOf(classOf(ranked, "low"), 1);
  const later = placeOf(classOf({ ...ranked, generation: 3 }, "high"), 2);
  expect([low, later, high].toSorted((a, b) => a - b)).toEqual([high, low, later]);
  expect(arrivalOf(high)).toBe(7);
  expect(classOfNumber(high)).toBe(classOf(ranked, "high"));
  const numbers = numbersOf(classOfNumber(high), 5);
  expect(numbers.after < high && high < numbers.before && numbers.before <= low).toBe(true);
  expect(Number.isSafeInteger(placeOf(classOf({ ...ranked, generation: 1e9 }, "low"), 2 ** 32 - 1))).toBe(true);
  expect(leastClass([classOfNumber(high), classOfNumber(low), classOfNumber(later)])).toBe(classOfNumber(low));
  expect(leastClass([classOfNumber(later), classOfNumber(high)])).toBe(classOfNumber(high));
  expect(leastClass([classOfNumber(low), classOfNumber(1)])).toBe(0);
});
