// Shared subscriptions, section 4.8.2.

import { expect } from "vitest";
import { property } from "../harness/bytes.ts";
import type { Broker } from "../harness/it.ts";
import { it } from "../harness/it.ts";
import { acknowledge } from "../harness/packets.ts";
import type { RawClient } from "../harness/raw-client.ts";

const kept = [property.sessionExpiryInterval(60)];

it("[MQTT-4.8.2-1] the server has shared subscriptions, and says nothing else", async ({ broker }) => {
  const { client, connack } = await broker.connectWith(5);
  expect(connack.properties?.sharedSubscriptionAvailable ?? true).toBe(true);
  expect(await client.subscribe([{ filter: `$share/group/${broker.topic()}`, qos: 1 }])).toEqual([1]);
});

it("[MQTT-4.8.2-3] a member has the QoS that it was granted", async ({ broker }) => {
  const topic = broker.topic();
  const member = await broker.connect(5);
  await member.subscribe([{ filter: `$share/group/${topic}`, qos: 0 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic });
  expect((await member.message()).qos).toBe(0);
});

it("[MQTT-4.8.2-3] a message goes to one member of each group", async ({ broker }) => {
  const topic = broker.topic();
  const members = await group(broker, topic, 3);
  const publisher = await broker.connect(5);
  const sent = Array.from({ length: 30 }, (_, index) => String(index));
  for (const payload of sent) await publisher.publishSafely({ topic, payload });
  // A marker to each shows that nothing more was on its way.
  await publisher.publishSafely({ topic: `${topic}/marker`, payload: "marker" });
  const received: string[] = [];
  for (const member of members) {
    for (;;) {
      const payload = String((await member.message()).payload);
      if (payload === "marker") break;
      received.push(payload);
    }
  }
  expect(received.sort()).toEqual(sent.sort());
});

it("[MQTT-4.8.2-4] a QoS 2 message that was begun with a member is completed with it", async ({ broker }) => {
  const { topic, member, clientId, other } = await begun(broker);
  await member.drop();
  const back = await broker.connect(5, { clientId, clean: false, properties: kept });
  const again = await back.next("publish");
  expect([again.dup, String(again.payload)]).toEqual([true, "begun"]);
  await other.publishSafely({ topic: `${topic}/marker`, payload: "marker" });
  expect(String((await other.message()).payload)).toBe("marker");
});

it("[MQTT-4.8.2-5] a QoS 2 message whose member is gone for good goes to no other", async ({ broker }) => {
  const { topic, member, clientId, other } = await begun(broker);
  await member.drop();
  const back = await broker.connect(5, { clientId, clean: true });
  await back.leave();
  await other.publishSafely({ topic: `${topic}/marker`, payload: "marker" });
  expect(String((await other.message()).payload)).toBe("marker");
});

it("[MQTT-4.8.2-6] a message that a member refuses goes to no other", async ({ broker }) => {
  const { topic, member, messageId, other } = await begun(broker);
  member.send(acknowledge("pubrec", messageId, 0x97));
  await member.ping();
  await other.publishSafely({ topic: `${topic}/marker`, payload: "marker" });
  expect(String((await other.message()).payload)).toBe("marker");
});

/** Members of one group, who are sent markers, too. */
async function group(broker: Broker, topic: string, size: number): Promise<RawClient[]> {
  return await Promise.all(
    Array.from({ length: size }, async () => {
      const member = await broker.connect(5);
      await member.subscribe([
        { filter: `$share/group/${topic}`, qos: 1 },
        { filter: `${topic}/marker`, qos: 1 },
      ]);
      return member;
    }),
  );
}

/** A member to which a QoS 2 message has come, and another that joined behind it. */
async function begun(broker: Broker) {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const filters = [{ filter: `$share/group/${topic}`, qos: 2 }];
  const member = await broker.connect(5, { clientId, properties: kept });
  await member.subscribe(filters);
  const publisher = await broker.connect(5);
  publisher.publish({ topic, qos: 2, packetId: 1, payload: "begun" });
  await publisher.next("pubrec");
  publisher.send(acknowledge("pubrel", 1));
  await publisher.next("pubcomp");
  const { messageId = 0 } = await member.next("publish");
  const other = await broker.connect(5);
  await other.subscribe([...filters, { filter: `${topic}/marker`, qos: 1 }]);
  return { topic, member, clientId, messageId, other };
}
