// What a session's outbound side does with acknowledgements out of turn, and with messages of shares when its client goes.

import { describe, expect, it } from "vitest";
import { limits as fixedLimits } from "../../../src/broker/limits.ts";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { Delivery } from "../../../src/broker/session/delivery.ts";
import type { Effect } from "../../../src/broker/session/effects.ts";
import { Message } from "../../../src/broker/session/message.ts";
import { Outbound } from "../../../src/broker/session/outbound.ts";
import { inOrderOfArrival } from "../../../src/broker/session/queue-order.ts";
import { MemoryStore } from "./memory-store.ts";

const UID = 1;
const limits = {
  inflightMax: 2,
  queueLengthMax: 1_000,
  queueBytesMax: 1e7,
  queueStoreQos0: true,
  queueOrder: inOrderOfArrival,
};

/** An outbound side with a client. */
function connected() {
  const store = new MemoryStore();
  const effects: Effect[] = [];
  const state = store.state(UID, 0);
  const outbound = new Outbound(UID, store, limits, state, []);
  outbound.connect({ receiveMaximum: 65_535, maximumPacketSize: null }, 0, effects);
  const offer = (payload: string, qos: 0 | 1 | 2, share = "") => {
    const bytes = new TextEncoder().encode(payload);
    const fields = { topic: "t", qos, retain: false, dup: false, packetId: qos, properties: new Uint8Array() };
    const message = new Message(readTrustedPublish(writePublish({ ...fields, payload: bytes })), 0, 0);
    const delivery = new Delivery(message, () => undefined);
    const place = { qos, retain: false, retained: false, identifiers: [], share };
    const recipient = outbound.offer(delivery, place, qos === 2, 0, effects);
    if (recipient !== null) {
      store.append(message, [recipient]);
      outbound.stored(0, effects);
    }
    delivery.arm();
    return delivery;
  };
  const ended = () => effects.flatMap((effect) => (effect.type === "end" ? [effect.reasonCode] : []));
  const givenBack = () =>
    effects.flatMap((effect) => {
      if (effect.type !== "giveBack") return [];
      const { bytes, payloadOffset } = effect.message.publish;
      return [`${effect.share} ${new TextDecoder().decode(bytes.subarray(payloadOffset))}`];
    });
  return { store, effects, outbound, offer, ended, givenBack };
}

describe("an acknowledgement that is no answer to its message ends the client", () => {
  it.each<[string, 1 | 2, (outbound: Outbound, effects: Effect[]) => void]>([
    ["PUBREC of QoS 1", 1, (outbound, effects) => outbound.received(1, effects)],
    ["a refusing PUBREC of QoS 1", 1, (outbound, effects) => outbound.acknowledge(1, 2, 0, effects)],
    ["PUBCOMP of QoS 1", 1, (outbound, effects) => outbound.complete(1, 0, effects)],
    ["PUBACK of QoS 2", 2, (outbound, effects) => outbound.acknowledge(1, 1, 0, effects)],
    ["PUBCOMP of QoS 2 before PUBREC", 2, (outbound, effects) => outbound.complete(1, 0, effects)],
  ])("%s", (_title, qos, answer) => {
    const { outbound, effects, offer, ended } = connected();
    offer("x", qos);
    answer(outbound, effects);
    expect(ended()).toEqual([0x82]);
  });

  it("PUBACK of QoS 2 behind PUBREC, but neither PUBREC nor a refusal once more", () => {
    const { outbound, effects, offer, ended } = connected();
    offer("x", 2);
    outbound.received(1, effects);
    outbound.received(1, effects);
    outbound.acknowledge(1, 2, 0, effects);
    expect(ended()).toEqual([]);
    outbound.acknowledge(1, 1, 0, effects);
    expect(ended()).toEqual([0x82]);
  });

  it("but one of an unknown packet id is left without an answer, or told", () => {
    const { outbound, effects, ended } = connected();
    outbound.acknowledge(7, 1, 0, effects);
    outbound.complete(7, 0, effects);
    outbound.received(7, effects);
    expect(ended()).toEqual([]);
    expect(effects.map(({ type }) => type)).toEqual(["send"]);
  });
});

/** A message of a share that has not been stored yet. */
function offered(outbound: Outbound, payload: string, effects: Effect[]) {
  const properties = new Uint8Array();
  const fields = { topic: "t", qos: 2, retain: false, dup: false, packetId: 2, properties } as const;
  const bytes = writePublish({ ...fields, payload: new TextEncoder().encode(payload) });
  const message = new Message(readTrustedPublish(bytes), 0, 0);
  const place = { qos: 2, retain: false, retained: false, identifiers: [], share: "$share/g/t" } as const;
  const recipient = outbound.offer(new Delivery(message, () => undefined), place, true, 0, effects);
  return { message, recipient: recipient ?? expect.unreachable() };
}

describe("when the client goes", () => {
  it.each([true, false])("what is of shares goes back, but what was begun at QoS 2 (kept: %s)", (keep) => {
    const { store, outbound, offer, effects, givenBack } = connected();
    const first = offer("sent at 1", 1, "$share/g/t");
    offer("begun", 2, "$share/g/t");
    offer("own", 1);
    const waiting = offer("waits at 1", 1, "$share/g/t");
    offer("waits at 2", 2, "$share/h/t");
    offer("waits at 0", 0, "$share/h/t");
    outbound.disconnect(keep, effects);
    const sharesInOrder = ["$share/g/t sent at 1", "$share/g/t waits at 1", "$share/h/t waits at 2"];
    expect(givenBack().filter((each) => !each.endsWith("0"))).toEqual(sharesInOrder);
    expect([first.safe, waiting.safe]).toEqual([true, true]); // They are the group's again.
    const left = store.read(UID, 0, 10).map(({ qos, share }) => [qos, share]);
    expect(left).toContainEqual([2, "$share/g/t"]);
    expect(left.filter(([, share]) => share !== "")).toHaveLength(1);

    // Nothing is given back twice, and what stays is sent again.
    outbound.connect({ receiveMaximum: 65_535, maximumPacketSize: null }, 0, effects);
    outbound.disconnect(true, effects);
    expect(givenBack().filter((each) => !each.endsWith("0"))).toEqual(sharesInOrder);
  });

  it("what is of shares and is stored only then goes back, too", () => {
    const { store, outbound, offer, effects, givenBack } = connected();
    offer("begun", 2, "$share/g/t");
    const { message, recipient } = offered(outbound, "late", effects);
    outbound.disconnect(true, effects);
    store.append(message, [recipient]);
    outbound.stored(0, effects);
    expect(givenBack()).toEqual(["$share/g/t late"]);
    expect(store.read(UID, 0, 10)).toHaveLength(1);
    expect(outbound.queued).toBe(0);
  });
});

it("sends no more in one event than the link's window, whatever the client has acknowledged in it", () => {
  const { outbound, effects, offer } = connected();
  outbound.client.blocked = true;
  const half = "x".repeat(fixedLimits.linkWindowBytes / 2 + 1);
  for (let i = 0; i < 6; i++) offer(half, 1);
  effects.length = 0;
  const sent = () => effects.flatMap((effect) => (effect.type === "send" ? [effect.packet.length] : []));
  outbound.client.blocked = false;
  outbound.drain(0, effects);
  for (const packetId of [1, 2]) outbound.acknowledge(packetId, 1, 0, effects);
  expect(sent()).toHaveLength(2);
  for (const bytes of sent()) outbound.client.left(bytes); // The link has taken them.
  outbound.drain(0, effects);
  expect(sent()).toHaveLength(4);
});

it(
  "[MQTT-2.2.1-3] one message that is never acknowledged holds up no others, over all packet ids",
  { timeout: 30_000 },
  () => {
    const { outbound, effects, offer } = connected();
    offer("never", 1);
    const packetIds = new Set<number>();
    for (let i = 0; i < 65_600; i++) {
      offer("x", 1);
      const sent = effects.flatMap((effect) => (effect.type === "send" ? [effect.packet] : []));
      expect(sent).toHaveLength(i === 0 ? 2 : 1);
      const packetId = readTrustedPublish(sent.at(-1) ?? new Uint8Array()).packetId;
      packetIds.add(packetId);
      for (const bytes of sent) outbound.client.left(bytes.length);
      effects.length = 0;
      outbound.acknowledge(packetId, 1, 0, effects);
    }
    expect(packetIds.has(1)).toBe(false);
    expect(packetIds.size).toBe(65_534);
  },
);

it("tells what it drops when its client goes", () => {
  const { outbound, effects, offer } = connected();
  for (let i = 0; i < 10; i++) offer("x", 1);
  outbound.limits = { ...limits, queueLengthMax: 3 };
  outbound.disconnect(true, effects);
  expect(effects.filter(({ type }) => type === "drop")).toHaveLength(5); // Two were sent.
});
