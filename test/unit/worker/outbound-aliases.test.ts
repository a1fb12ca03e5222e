// Topic aliases toward a client: what it reads is what was sent, and no alias or packet is larger than it takes.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import type { QoS } from "../../../src/broker/mqtt/packets.ts";
import { readPublish } from "../../../src/broker/mqtt/read-publish.ts";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { withTopic } from "../../../src/broker/mqtt/rewrite-publish.ts";
import { forEachPacket } from "../../../src/broker/mqtt/split-packets.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { OutboundAliases } from "../../../src/worker/mqtt-connection/outbound-aliases.ts";
import { PUBACK } from "./link-frames.ts";

/** Content Type "t" and a User Property. */
const PROPERTIES = Uint8Array.of(3, 0, 1, 116, 0x26, 0, 1, 107, 0, 1, 118);

function message(topic: string, payload = "x", qos: QoS = 1, properties: Uint8Array = PROPERTIES): Uint8Array {
  const fields = { topic, qos, retain: true, dup: qos > 0, packetId: 513, properties };
  return writePublish({ ...fields, payload: new TextEncoder().encode(payload) });
}

function together(...packets: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(packets.flatMap((packet) => [...packet]));
}

/** Topic as sent and alias of each PUBLISH. */
function seen(bytes: Uint8Array): [string, number][] {
  const all: [string, number][] = [];
  forEachPacket(bytes, 0, (packet) => {
    const { topic, topicAlias } = readPublish(packet, 5);
    all.push([topic, topicAlias]);
  });
  return all;
}

describe("topic aliases", () => {
  it("a topic goes by name and alias first, then by its alias alone", () => {
    const aliases = new OutboundAliases(10, null);
    const sent = aliases.apply(together(message("one/topic"), message("another/topic"), message("one/topic")));
    expect(seen(sent)).toEqual([
      ["one/topic", 1],
      ["another/topic", 2],
      ["", 1],
    ]);
    expect(seen(aliases.apply(message("another/topic")))).toEqual([["", 2]]);
  });

  it("[MQTT-3.1.2-26] none is above the client's maximum: the topic least recently sent makes room", () => {
    const aliases = new OutboundAliases(2, null);
    const topics = ["topic/a", "topic/b", "topic/a", "topic/c", "topic/a", "topic/b", "topic/c"];
    expect(seen(aliases.apply(together(...topics.map((topic) => message(topic)))))).toEqual([
      ["topic/a", 1],
      ["topic/b", 2],
      ["", 1],
      ["topic/c", 2],
      ["", 1],
      ["topic/b", 2],
      ["topic/c", 1],
    ]);
  });

  it("the service's own bound holds where the client takes more", () => {
    const aliases = new OutboundAliases(65_535, null);
    const topics = Array.from({ length: 3 * limits.outboundTopicAliases }, (_, i) => message(`topic/${i}`));
    const highest = Math.max(...seen(aliases.apply(together(...topics))).map(([, alias]) => alias));
    expect(highest).toBe(limits.outboundTopicAliases);
  });

  it("[MQTT-3.1.2-27] a maximum of 0 takes none, and the bytes stay as they are", () => {
    const bytes = together(message("one/topic"), message("one/topic"));
    expect(new OutboundAliases(0, null).apply(bytes)).toBe(bytes);
  });

  it("[MQTT-3.1.2-24] a packet that the alias would make too large goes without, and one of its topic later too", () => {
    const packet = message("one/topic");
    const aliases = new OutboundAliases(10, packet.length + 2);
    expect(seen(aliases.apply(together(packet, packet)))).toEqual([
      ["one/topic", 0],
      ["one/topic", 0],
    ]);
    expect(seen(aliases.apply(message("one/topic", "")))).toEqual([["one/topic", 1]]);
    expect(seen(aliases.apply(packet))).toEqual([["", 1]]);
  });

  it("a topic that is no longer than an alias needs none, and other packets pass", () => {
    const bytes = together(message("abc"), PUBACK, message("abc"));
    expect(new OutboundAliases(10, null).apply(bytes)).toEqual(bytes);
  });

  it("a client that keeps the aliases reads every message as it was, whatever its size and properties", () => {
    const arbitrary = fc.record({
      topic: fc.constantFrom("topic/a", "topic/b", "a", "\u00fc/\u20ac/x", `long/${"x".repeat(200)}`),
      payload: fc.constantFrom("", "x", "y".repeat(110), "z".repeat(20_000)),
      qos: fc.constantFrom<QoS>(0, 1, 2),
      properties: fc.constantFrom<Uint8Array>(
        new Uint8Array(),
        PROPERTIES,
        together(...Array.from({ length: 18 }, () => Uint8Array.of(0x26, 0, 1, 107, 0, 1, 118))),
      ),
    });
    const property = fc.property(fc.array(arbitrary, { maxLength: 20 }), (messages) => {
      const packets: Uint8Array[] = messages.map(({ topic, payload, qos, properties }) =>
        message(topic, payload, qos, properties),
      );
      const names = new Map<number, string>();
      const read: Uint8Array<ArrayBufferLike>[] = [];
      forEachPacket(new OutboundAliases(2, null).apply(together(...packets)), 0, (packet) => {
        const publish = readPublish(packet, 5);
        if (publish.topicAlias !== 0 && publish.topic !== "") names.set(publish.topicAlias, publish.topic);
        const topic = publish.topic === "" ? (names.get(publish.topicAlias) ?? "") : publish.topic;
        read.push(withTopic(publish, topic).bytes);
      });
      expect(read).toEqual(packets.map((packet) => readTrustedPublish(packet).bytes));
    });
    fc.assert(property, { seed: 20_261_124, numRuns: 100 });
  });
});
