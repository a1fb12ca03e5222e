// Will Messages at the shards: published, delayed or forgotten as the client leaves, returns or is lost.

import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import type { AttachedWill } from "../../../src/contracts/link.ts";
import { linkClose } from "../../../src/contracts/link.ts";
import { baseAttach, LinkClient, TestDeployment, text } from "./link-client.ts";

let deployments = 0;

function packetOf(payload: string, retain = false): Uint8Array {
  return writePublish({
    topic: "will",
    qos: 1,
    retain,
    packetId: 1,
    properties: new Uint8Array(),
    payload: new TextEncoder().encode(payload),
  });
}

function will(delayInterval = 0, payload = "gone", retain = false): AttachedWill {
  return { packet: btoa(String.fromCharCode(...packetOf(payload, retain))), delayInterval };
}

/** A deployment with somebody who watches for wills. */
async function watched(shards = 1): Promise<{ deployment: TestDeployment; watcher: LinkClient }> {
  const deployment = await TestDeployment.create(`w${++deployments}x`, shards);
  const watcher = await deployment.connect("watcher");
  await watcher.subscribe("will");
  return { deployment, watcher };
}

/** Shows that no will came: what is published behind it comes first. */
async function expectNone(deployment: TestDeployment, watcher: LinkClient): Promise<void> {
  const publisher = await deployment.connect("marker");
  await publisher.publish("will", "none");
  expect(text(await watcher.message())).toBe("none");
}

async function leave(client: LinkClient, code: number = linkClose.deviceGone): Promise<void> {
  client.close(code);
  await client.closed;
}

for (const shards of [1, 4]) {
  describe(`${shards} shard(s)`, () => {
    for (const sessionExpiryInterval of [0, 3_600]) {
      it(`[MQTT-3.1.2-8] is published when the connection breaks (session expiry ${sessionExpiryInterval})`, async () => {
        const { deployment, watcher } = await watched(shards);
        for (const code of [linkClose.deviceGone, linkClose.keepAlive, linkClose.fault]) {
          const client = await deployment.connect("c", { sessionExpiryInterval, will: will() });
          await deployment.evict();
          await leave(client, code);
          expect(text(await watcher.message())).toBe("gone");
        }
      });
    }

    it("[MQTT-3.14.4-3] is forgotten at DISCONNECT 0x00, and published at 0x04", async () => {
      const { deployment, watcher } = await watched(shards);
      const polite = await deployment.connect("a", { will: will() });
      polite.send({ cmd: "disconnect", reasonCode: 0 });
      await leave(polite);
      await expectNone(deployment, watcher);
      const other = await deployment.connect("b", { will: will() });
      other.send({ cmd: "disconnect", reasonCode: 4 });
      await leave(other);
      expect(text(await watcher.message())).toBe("gone");
    });

    it("[MQTT-3.1.2-17] is retained if it says so", async () => {
      const { deployment, watcher } = await watched(shards);
      await leave(await deployment.connect("c", { will: will(0, "kept", true) }));
      await watcher.message();
      const late = await deployment.connect("late");
      await late.subscribe("will");
      expect((await late.message()).retain).toBe(true);
    });
  });
}

describe("a delay", () => {
  it("[MQTT-3.1.3-9] is ended by a return to the session, over an eviction", async () => {
    const { deployment, watcher } = await watched();
    await leave(await deployment.connect("c", { will: will(3_600) }));
    await deployment.evict();
    await deployment.connect("c");
    await expectNone(deployment, watcher);
  });

  it("ends with the session: at a clean start, or when it expires", async () => {
    const { deployment, watcher } = await watched();
    await leave(await deployment.connect("c", { will: will(3_600) }));
    await deployment.connect("c", { cleanStart: true });
    expect(text(await watcher.message())).toBe("gone");
    await leave(await deployment.connect("d", { will: will(3_600), sessionExpiryInterval: 1 }));
    await expect.poll(() => runDurableObjectAlarm(deployment.sessionShard(0) as never), { timeout: 5_000 }).toBe(true);
    expect(text(await watcher.message())).toBe("gone");
  });

  it("passes, and the will is published by the alarm", async () => {
    const { deployment, watcher } = await watched();
    await leave(await deployment.connect("c", { will: will(1) }));
    await deployment.evict();
    expect(text(await watcher.message())).toBe("gone");
  });
});

describe("a takeover", () => {
  it("publishes a will without a delay, and one with a delay only if the session ends", async () => {
    const { deployment, watcher } = await watched();
    await deployment.connect("c", { will: will(0, "at once") });
    await deployment.connect("c", { will: will(3_600, "resumed") });
    expect(text(await watcher.message())).toBe("at once");
    await deployment.connect("c", { will: will(3_600, "ended") });
    await expectNone(deployment, watcher);
    await deployment.connect("c", { cleanStart: true });
    expect(text(await watcher.message())).toBe("ended");
  });

  for (const [policy, username, refused] of [
    ["refuse", "user", true],
    ["same_user", "another", true],
    ["same_user", "user", false],
    ["take_over", "another", false],
  ] as const) {
    it(`is ${refused ? "refused" : "let be"} under ${policy} to ${username}`, async () => {
      const settings = { ...defaultBrokerSettings, duplicateClientId: policy };
      const deployment = await TestDeployment.create(`w${++deployments}x`, 1, { settings });
      const first = await deployment.connect("c");
      const response = await LinkClient.request(deployment, { ...baseAttach, clientId: "c", username });
      expect(response.status).toBe(refused ? 403 : 101);
      if (refused) expect(await response.json()).toMatchObject({ reasonCode: 0x85 });
      else expect((await first.take("disconnect")).reasonCode).toBe(0x8e);
      response.webSocket?.accept();
      response.webSocket?.close();
    });
  }
});

describe("a loss of the service's own doing", () => {
  it("is forgotten if the client is back, even in a new session", async () => {
    const { deployment, watcher } = await watched();
    await leave(await deployment.connect("c", { sessionExpiryInterval: 0, will: will() }), linkClose.ours);
    await deployment.connect("c", { sessionExpiryInterval: 0 });
    await expectNone(deployment, watcher);
  });

  it("of the shard itself is told when the client does not come back", { timeout: 30_000 }, async () => {
    const { deployment } = await watched();
    await deployment.connect("c", { sessionExpiryInterval: 0, will: will() });
    await deployment.crash("session");
    const watcher = await deployment.connect("watcher");
    await expectNone(deployment, watcher);
    expect(text(await watcher.message())).toBe("gone"); // By the alarm, 10 s later.
  });
});

it("is kept apart from the attach where it is large", async () => {
  const { deployment, watcher } = await watched();
  const large = "x".repeat(60_000);
  const kept = await deployment.sessionShardOf("c").keepWill(packetOf(large));
  if (!kept.ok || kept.value === null) throw new Error("it was not kept");
  await leave(await deployment.connect("c", { will: { packet: { keptAs: kept.value }, delayInterval: 0 } }));
  expect(text(await watcher.message())).toBe(large);
  const attach = { ...baseAttach, clientId: "c", will: { packet: { keptAs: kept.value }, delayInterval: 0 } };
  expect((await LinkClient.request(deployment, attach)).status).toBe(409); // It is given out once.
});
