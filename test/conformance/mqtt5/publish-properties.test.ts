// The properties of PUBLISH, section 3.3.2.3: what is passed on as it is, what the server changes, what it refuses.

import { describe, expect } from "vitest";
import { hex, property } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { publish } from "../harness/packets.ts";

describe("passed on unaltered", () => {
  it.for([
    ["[MQTT-3.3.2-4]", "Payload Format Indicator", [property.payloadFormatIndicator(1)]],
    ["[MQTT-3.3.2-15]", "Response Topic", [property.responseTopic("answer/here")]],
    ["[MQTT-3.3.2-16]", "Correlation Data", [property.correlationData(hex("00ff80"))]],
    ["[MQTT-3.3.2-20]", "Content Type", [property.contentType("text/plain; ü")]],
    ["[MQTT-3.3.2-17]", "User Property", [property.userProperty("name", "value")]],
    [
      "[MQTT-3.3.2-18]",
      "User Properties in their order",
      [property.userProperty("b", "1"), property.userProperty("a", "2"), property.userProperty("b", "0")],
    ],
  ] as const)("%s %s comes as it was published", async ([, , list], { broker }) => {
    const topic = broker.topic();
    const client = await broker.connect(5);
    await client.subscribe([{ filter: topic }]);
    client.publish({ topic, properties: list });
    const { raw } = await client.nextRaw("publish");
    expect(raw).toEqual(Buffer.from(publish(5, { topic, properties: list })));
  });
});

describe("refused", () => {
  const twice = <Each>(each: Each) => [each, each];
  it.for([
    ["[MQTT-3.3.2-8]", "Topic Alias 0", [property.topicAlias(0)], [0x94]],
    ["[MQTT-3.3.2-9]", "Topic Alias past the maximum", [property.topicAlias(65_535)], [0x94]],
    ["[MQTT-3.3.2-13]", "Response Topic of ill-formed UTF-8", [property.responseTopic(hex("ff"))], [0x81]],
    ["[MQTT-3.3.2-14]", "Response Topic with #", [property.responseTopic("a/#")], [0x81, 0x82, 0x90]],
    ["[MQTT-3.3.2-14]", "Response Topic with +", [property.responseTopic("a/+")], [0x81, 0x82, 0x90]],
    ["[MQTT-3.3.2-19]", "Content Type of ill-formed UTF-8", [property.contentType(hex("ff"))], [0x81]],
    ["[MQTT-1.5.7-1]", "User Property with a null", [property.userProperty("a", "\0")], [0x81]],
    ["[MQTT-3.3.4-6]", "Subscription Identifier", [property.subscriptionIdentifier(1)], [0x82]],
    ["[MQTT-4.13.1-1]", "Payload Format Indicator twice", twice(property.payloadFormatIndicator(1)), [0x81, 0x82]],
    ["[MQTT-4.13.1-1]", "Message Expiry Interval twice", twice(property.messageExpiryInterval(1)), [0x81, 0x82]],
    ["[MQTT-4.13.1-1]", "Topic Alias twice", twice(property.topicAlias(1)), [0x81, 0x82]],
    ["[MQTT-4.13.1-1]", "Response Topic twice", twice(property.responseTopic("a")), [0x81, 0x82]],
    ["[MQTT-4.13.1-1]", "Correlation Data twice", twice(property.correlationData(hex("00"))), [0x81, 0x82]],
    ["[MQTT-4.13.1-1]", "Content Type twice", twice(property.contentType("a")), [0x81, 0x82]],
    ["[MQTT-4.13.1-1]", "a property of CONNECT", [property.receiveMaximum(1)], [0x81, 0x82]],
    ["[MQTT-4.13.1-1]", "an unknown property", [hex("7f00")], [0x81]],
  ] as const)("%s %s at PUBLISH is refused", async ([, , list, reasonCodes], { broker }) => {
    const client = await broker.connect(5);
    client.publish({ topic: broker.topic(), properties: list });
    await client.ended(...reasonCodes);
  });

  it("[MQTT-4.13.1-1] a Payload Format Indicator of 2 is refused", async ({ broker }) => {
    const client = await broker.connect(5);
    client.publish({ topic: broker.topic(), properties: [property.payloadFormatIndicator(2)] });
    await client.ended(0x81, 0x82);
  });
});

describe("topic aliases", () => {
  it("[MQTT-3.3.2-12] an alias stands for its topic until it is set anew", async ({ broker }) => {
    const [one, other] = [broker.topic("one"), broker.topic("other")];
    const client = await broker.connect(5);
    await client.subscribe([{ filter: broker.topic("+") }]);
    const alias = [property.topicAlias(1)];
    client.publish({ topic: one, properties: alias });
    client.publish({ topic: "", properties: alias });
    client.publish({ topic: other, properties: alias });
    client.publish({ topic: "", properties: alias });
    for (const topic of [one, one, other, other]) expect((await client.message()).topic).toBe(topic);
  });

  it("[MQTT-3.3.2-7] an alias does not outlive its connection", async ({ broker }) => {
    const clientId = broker.clientId();
    const kept = [property.sessionExpiryInterval(60)];
    const first = await broker.connect(5, { clientId, properties: kept });
    first.publish({ topic: broker.topic(), properties: [property.topicAlias(1)] });
    await first.leave();
    const second = await broker.connect(5, { clientId, clean: false, properties: kept });
    second.publish({ topic: "", properties: [property.topicAlias(1)] });
    await second.ended(0x82);
  });

  it("[MQTT-4.7.3-1] an empty topic without an alias is a protocol error", async ({ broker }) => {
    const client = await broker.connect(5);
    client.publish({ topic: "" });
    await client.ended(0x82);
  });

  it("[MQTT-3.1.2-27] a client that takes no aliases gets none", async ({ broker }) => {
    const topic = broker.topic();
    const client = await broker.connect(5);
    await client.subscribe([{ filter: topic }]);
    for (let count = 0; count < 3; count += 1) {
      client.publish({ topic });
      const message = await client.message();
      expect([message.topic, message.properties?.topicAlias]).toEqual([topic, undefined]);
    }
  });

  it("[MQTT-3.1.2-26] [MQTT-3.3.2-11] an alias to the client is within what it takes", async ({ broker }) => {
    const client = await broker.connect(5, { properties: [property.topicAliasMaximum(2)] });
    await client.subscribe([{ filter: broker.topic("#") }]);
    for (const topic of ["a", "b", "c", "a", "b", "c"]) {
      client.publish({ topic: broker.topic(topic) });
      const { properties } = await client.message();
      expect(properties?.topicAlias ?? 1).toBeLessThanOrEqual(2);
      expect(properties?.topicAlias ?? 1).toBeGreaterThan(0);
    }
  });
});

describe("message expiry", () => {
  const kept = [property.sessionExpiryInterval(60)];

  it("[MQTT-3.3.2-5] a message that expired while it waited is not sent", async ({ broker }) => {
    const [clientId, topic] = [broker.clientId(), broker.topic()];
    const away = await broker.connect(5, { clientId, properties: kept });
    await away.subscribe([{ filter: topic, qos: 1 }]);
    await away.leave();
    const publisher = await broker.connect(5);
    await publisher.publishSafely({ topic, payload: "expired", properties: [property.messageExpiryInterval(1)] });
    await publisher.publishSafely({ topic, payload: "fresh", properties: [property.messageExpiryInterval(600)] });
    await broker.keepAlivePasses(1);
    const back = await broker.connect(5, { clientId, clean: false, properties: kept });
    expect(String((await back.message()).payload)).toBe("fresh");
  });

  it("[MQTT-3.3.2-6] the interval that is sent on is less by the time that the message waited", async ({ broker }) => {
    const [clientId, topic] = [broker.clientId(), broker.topic()];
    const away = await broker.connect(5, { clientId, properties: kept });
    await away.subscribe([{ filter: topic, qos: 1 }]);
    await away.leave();
    const publisher = await broker.connect(5);
    await publisher.publishSafely({ topic, properties: [property.messageExpiryInterval(600)] });
    await broker.keepAlivePasses(1);
    const back = await broker.connect(5, { clientId, clean: false, properties: kept });
    const seconds = (await back.message()).properties?.messageExpiryInterval ?? 0;
    expect(seconds).toBeLessThan(600);
    expect(seconds).toBeGreaterThan(500);
  });
});
