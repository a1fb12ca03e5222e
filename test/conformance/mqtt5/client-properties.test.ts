// Properties of a client's packets other than CONNECT and PUBLISH: those that belong there are taken, others are not.

import { describe, expect } from "vitest";
import { field, join, packet, properties, property, u16, u8 } from "../harness/bytes.ts";
import type { Bytes } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { disconnect } from "../harness/packets.ts";

const user = [property.userProperty("a", "1"), property.userProperty("a", "2")];
const reason = property.reasonString("because");

/** Whole packets with these properties: packet id 1, reason code 0 where there is one. */
const withProperties: Record<string, (list: readonly Bytes[]) => Bytes> = {
  PUBACK: (list) => packet(0x40, u16(1), u8(0), properties(list)),
  PUBREC: (list) => packet(0x50, u16(1), u8(0), properties(list)),
  PUBREL: (list) => packet(0x62, u16(1), u8(0), properties(list)),
  PUBCOMP: (list) => packet(0x70, u16(1), u8(0), properties(list)),
  SUBSCRIBE: (list) => packet(0x82, u16(1), properties(list), field("client-properties"), u8(0)),
  UNSUBSCRIBE: (list) => packet(0xa2, u16(1), properties(list), field("client-properties")),
  DISCONNECT: (list) => disconnect(0, list),
};

const acknowledging = ["PUBACK", "PUBREC", "PUBREL", "PUBCOMP"];

it.for(acknowledging)("[MQTT-2.2.2-1] %s may explain itself, and the connection goes on", async (kind, { broker }) => {
  const client = await broker.connect(5);
  client.send(withProperties[kind]?.([reason, ...user]) ?? new Uint8Array());
  if (kind === "PUBREC") await client.next("pubrel");
  if (kind === "PUBREL") await client.next("pubcomp");
  await client.ping();
});

it.for([
  ["SUBSCRIBE", "suback"],
  ["UNSUBSCRIBE", "unsuback"],
] as const)("[MQTT-1.5.7-1] %s may have user properties", async ([kind, answer], { broker }) => {
  const client = await broker.connect(5);
  client.send(withProperties[kind]?.(user) ?? new Uint8Array());
  expect((await client.next(answer)).messageId).toBe(1);
});

describe("refused", () => {
  const kinds = Object.keys(withProperties);

  it.for([...acknowledging, "DISCONNECT"])("[MQTT-4.13.1-1] a reason string twice at %s", async (kind, { broker }) => {
    const client = await broker.connect(5);
    client.send(withProperties[kind]?.([reason, reason]) ?? new Uint8Array());
    await client.ended(0x81, 0x82);
  });

  it.for(kinds)("[MQTT-4.13.1-1] a property of PUBLISH at %s", async (kind, { broker }) => {
    const client = await broker.connect(5);
    client.send(withProperties[kind]?.([property.contentType("text/plain")]) ?? new Uint8Array());
    await client.ended(0x81, 0x82);
  });

  it.for(kinds)("[MQTT-4.13.1-1] an unknown property at %s", async (kind, { broker }) => {
    const client = await broker.connect(5);
    client.send(withProperties[kind]?.([join(u8(0x7f), u8(0))]) ?? new Uint8Array());
    await client.ended(0x81);
  });

  it.for(kinds)("[MQTT-1.5.4-1] ill-formed UTF-8 in a user property of %s", async (kind, { broker }) => {
    const client = await broker.connect(5);
    client.send(withProperties[kind]?.([property.userProperty("a", u8(0xff))]) ?? new Uint8Array());
    await client.ended(0x81);
  });

  it.for([
    ["Will Delay Interval twice", [property.willDelayInterval(1), property.willDelayInterval(1)]],
    ["Content Type twice", [property.contentType("a"), property.contentType("a")]],
    ["Topic Alias", [property.topicAlias(1)]],
    ["a Payload Format Indicator of 2", [property.payloadFormatIndicator(2)]],
    ["Response Topic with #", [property.responseTopic("a/#")]],
  ] as const)("[MQTT-3.1.4-1] a will with %s", async ([, list], { broker }) => {
    const client = await broker.connecting(5, { will: { topic: broker.topic(), properties: list } });
    await client.refused(0x81, 0x82, 0x90);
  });
});
