// The HTTP side of a deployment's endpoint: who gets a WebSocket, and what everybody else is told.

import { createExecutionContext, SELF, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { route } from "../../../src/worker/route.ts";
import { bindings, Device, newId, served, upgrade, urlOf } from "./device.ts";

const DOMAIN = "mqtt.example";

/** What the Worker answers where deployments have hosts of their own. */
async function onDomain(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const context = createExecutionContext();
  const response = await route(new Request(url, { headers }), { ...bindings, BASE_DOMAIN: DOMAIN }, context);
  await waitOnExecutionContext(context);
  return response;
}

describe("the endpoint", () => {
  it("[MQTT-6.0.0-4] answers the subprotocol mqtt", async () => {
    const response = await upgrade(urlOf(await served()));
    expect(response.status).toBe(101);
    expect(response.headers.get("Sec-WebSocket-Protocol")).toBe("mqtt");
  });

  it.each([
    ["mqttv3.1", "mqttv3.1"],
    ["mqttv3.1, mqtt", "mqtt"],
    ["chat,mqtt", "mqtt"],
  ])("of the subprotocols %s it takes %s", async (offered, taken) => {
    const response = await upgrade(urlOf(await served()), { "Sec-WebSocket-Protocol": offered });
    expect(response.headers.get("Sec-WebSocket-Protocol")).toBe(taken);
  });

  it.each(["", "chat", "mqttx"])("[MQTT-6.0.0-3] refuses the subprotocol '%s' with 400", async (offered) => {
    const response = await upgrade(urlOf(await served()), { "Sec-WebSocket-Protocol": offered });
    expect(response.status).toBe(400);
    expect(response.webSocket).toBeNull();
  });

  it("tells a plain GET to upgrade, and every other method to be a GET", async () => {
    const url = urlOf(await served());
    const plain = await SELF.fetch(url);
    expect([plain.status, plain.headers.get("Upgrade")]).toEqual([426, "websocket"]);
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await SELF.fetch(url, { method });
      expect([method, response.status, response.headers.get("Allow")]).toEqual([method, 405, "GET"]);
    }
  });

  it("[MQTT-6.0.0-1] closes with 1003 on a text frame, before CONNECT and after it", async () => {
    const deployment = await served();
    const early = await Device.open(deployment);
    early.text("hello");
    expect(await early.closed).toBe(1003);
    const connected = await Device.connect(deployment, "c");
    connected.text("hello");
    expect(await connected.closed).toBe(1003);
  });
});

describe("addresses", () => {
  it("an id that nobody was given is 404, however it looks", async () => {
    const { id } = await served();
    const forged = `${id.slice(0, -1)}${id.endsWith("a") ? "b" : "a"}`;
    for (const wrong of [forged, id.toUpperCase(), `${id}a`, "x", "%00", id.slice(1)]) {
      expect([wrong, (await upgrade(`http://localhost/d/${wrong}/mqtt`)).status]).toEqual([wrong, 404]);
    }
  });

  it("a well-made id is 404 while it has no deployment, before and after", async () => {
    expect((await upgrade(urlOf({ id: await newId() }))).status).toBe(404);
    const deployment = await served();
    const device = await Device.connect(deployment, "c");
    await deployment.object.destroy(deployment.id);
    await device.closed;
    expect((await upgrade(urlOf(deployment))).status).toBe(404);
  });

  it("nothing but /mqtt and /api/v5 is there", async () => {
    const { id } = await served();
    for (const path of ["", "/", "/mqtt/", "/mqttx", "/api", "/api/v4/clients", "/api/v5x", "//mqtt"]) {
      expect([path, (await upgrade(`http://localhost/d/${id}${path}`)).status]).toEqual([path, 404]);
    }
    expect((await SELF.fetch(`http://localhost/d/${id}/api/v5/stats`)).status).toBe(401);
  });

  it("on its own host a deployment is served, and no other one by path", async () => {
    const [own, other] = [await served(), await served()];
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "mqtt" };
    const host = `http://${own.id}.${DOMAIN}`;
    expect((await onDomain(`${host}/mqtt`, headers)).status).toBe(101);
    expect((await onDomain(`${host}/api/v5/stats`)).status).toBe(401);
    expect((await onDomain(`${host}/d/${other.id}/mqtt`, headers)).status).toBe(404);
    expect((await onDomain(`${host}/d/${own.id}/mqtt`, headers)).status).toBe(404);
    expect((await onDomain(`${host}/health`)).status).toBe(404);
    expect((await onDomain(`http://x.${own.id}.${DOMAIN}/mqtt`, headers)).status).toBe(404);
    expect((await onDomain(`http://${DOMAIN}/d/${own.id}/mqtt`, headers)).status).toBe(101);
  });
});
