// Filters of shared subscriptions that no server takes, section 4.8.2.

import { expect } from "vitest";
import { it } from "../harness/it.ts";
import { subscribe } from "../harness/packets.ts";
import type { RawClient } from "../harness/raw-client.ts";

it.for(["$share/", "$share//a", "$share/group", "$share/group/"])(
  "[MQTT-4.8.2-1] [MQTT-4.8.2-2] the filter %s is refused",
  async (filter, { broker }) => {
    const client = await broker.connect(5);
    await expectRefused(client, filter);
  },
);

it.for(["$share/a+b/t", "$share/a#b/t", "$share/+/t", "$share/#/t"])(
  "[MQTT-4.8.2-2] the filter %s is refused",
  async (filter, { broker }) => {
    const client = await broker.connect(5);
    await expectRefused(client, filter);
  },
);

it("[MQTT-3.8.3-4] No Local at a shared subscription is a protocol error", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: `$share/group/${broker.topic()}`, noLocal: true }]));
  await client.ended(0x82);
});

/** SUBACK says no to the one filter, or the connection ends. */
async function expectRefused(client: RawClient, filter: string): Promise<void> {
  client.send(subscribe(5, 1, [{ filter }]));
  const codes = await client.pick("suback").then(
    ({ granted }) => granted,
    async () => [(await client.next("disconnect")).reasonCode ?? 0],
  );
  expect([[0x8f], [0x81], [0x82]]).toContainEqual(codes);
}
