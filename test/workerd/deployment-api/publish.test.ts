// POST /publish and GET /stats through real shards.

import { describe, expect, it } from "vitest";
import { config, text } from "../shards/link-client.ts";
import { WholeDeployment } from "../deployment/deployment-client.ts";
import { call } from "./api-client.ts";

let made = 0;
const nextId = () => `p${++made}api`;
const { limits: plan } = config(1);

for (const shards of [1, 4]) {
  describe(`${shards} shard(s)`, () => {
    it("brings a message with all its properties to the subscribers", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const subscriber = await deployment.connect("s");
      await subscriber.subscribe("a/+");
      const properties = {
        payload_format_indicator: 1,
        message_expiry_interval: 60,
        response_topic: "answer",
        correlation_data: "7",
        content_type: "text/plain",
        user_properties: { k: "v" },
      };
      const answer = call(deployment, "POST", "/publish", {
        body: { topic: "a/1", payload: "hello", qos: 1, properties },
      });
      const message = await subscriber.message();
      expect(text(message)).toBe("hello");
      expect(message).toMatchObject({
        topic: "a/1",
        qos: 1,
        retain: false,
        properties: {
          payloadFormatIndicator: true,
          responseTopic: "answer",
          contentType: "text/plain",
          userProperties: { k: "v" },
        },
      });
      expect(String(message.properties?.correlationData)).toBe("7");
      expect(message.properties?.messageExpiryInterval).toBeGreaterThan(55);
      expect(await answer).toMatchObject({ status: 200, body: { id: expect.stringMatching(/^[0-9A-F]{32}$/) } });
    });

    it("[MQTT-3.4.2-1] answers 202 with reason code 16 when nobody subscribes", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      expect(await call(deployment, "POST", "/publish", { body: { topic: "t", payload: "x", qos: 1 } })).toMatchObject({
        status: 202,
        body: { reason_code: 16, message: "no_matching_subscribers" },
      });
    });

    it.each([0, 1, 2])("takes QoS %i and delivers at the subscriber's at most", async (qos) => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const subscriber = await deployment.connect("s");
      await subscriber.subscribe("t", { qos: 1 });
      const answer = call(deployment, "POST", "/publish", { body: { topic: "t", payload: "x", qos } });
      expect((await subscriber.message()).qos).toBe(Math.min(qos, 1));
      expect((await answer).status).toBe(200);
    });

    it("retains, and clears with an empty payload; stats count it", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const retained = async (payload: string) => {
        await call(deployment, "POST", "/publish", { body: { topic: "r/1", payload, retain: true, qos: 1 } });
        const { body } = await call(deployment, "GET", "/stats?aggregate=true");
        return (body as Record<string, number>)["retained.count"];
      };
      expect(await retained("kept")).toBe(1);
      const subscriber = await deployment.connect("s");
      await subscriber.subscribe("r/#");
      expect(await subscriber.message()).toMatchObject({ topic: "r/1", retain: true });
      expect(await retained("")).toBe(0);
    });

    it("keeps the order of one topic's messages", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const subscriber = await deployment.connect("s");
      await subscriber.subscribe("o/#");
      for (let i = 0; i < 20; i++) {
        const answer = call(deployment, "POST", "/publish", { body: { topic: "o/1", payload: String(i), qos: 1 } });
        expect(text(await subscriber.message())).toBe(String(i));
        expect((await answer).status).toBe(200);
      }
    });

    it("stats are EMQX's names, as an array with one node", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      for (const id of ["a", "b", "c"]) await (await deployment.connect(id)).subscribe(`t/${id}`);
      const gone = await deployment.connect("d");
      await gone.subscribe("t/#");
      gone.close();
      await gone.closed;
      const { status, body } = await call(deployment, "GET", "/stats");
      expect(status).toBe(200);
      expect(body).toEqual([
        expect.objectContaining({
          node: deployment.id,
          "connections.count": 3,
          "live_connections.count": 3,
          "sessions.count": 4,
          "subscriptions.count": 4,
          "retained.count": 0,
        }),
      ]);
    });
  });
}

describe("a message that cannot be taken", () => {
  it("says why", async () => {
    const deployment = await WholeDeployment.whole(nextId(), 1, { limits: { ...plan, messageBytesMax: 10 } });
    const bad = async (body: object) => {
      const { status, body: failure } = await call(deployment, "POST", "/publish", { body });
      return [status, (failure as { code: string }).code];
    };
    expect(await bad({ topic: "a/#", payload: "x" })).toEqual([400, "BAD_REQUEST"]);
    expect(await bad({ topic: "a" })).toEqual([400, "BAD_REQUEST"]);
    expect(await bad({ topic: "a", payload: "12345678901" })).toEqual([413, "EXCEED_LIMIT"]);
    expect(await bad({ topic: "a", payload: "1234567890" })).toEqual([202, undefined]);
  });

  it("of a stopped deployment gets 503, over its rate 429", async () => {
    const stopped = await WholeDeployment.whole(nextId(), 1, { status: "stopped" });
    const body = { topic: "t", payload: "x", qos: 1 };
    expect(await call(stopped, "POST", "/publish", { body })).toMatchObject({
      status: 503,
      body: { code: "SERVICE_UNAVAILABLE" },
    });
    const slow = await WholeDeployment.whole(nextId(), 1, { limits: { ...plan, messagesPerSecond: 1 } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await call(slow, "POST", "/publish", { body })).status);
    expect(statuses).toContain(429);
    expect(statuses[0]).toBe(202);
  });
});
