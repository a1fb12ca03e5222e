// Who may call a deployment's API, and what everybody gets who asks for what is not there.

import { SELF } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { API_SECRET, apiKey, PASSWORD, WholeDeployment } from "../deployment/deployment-client.ts";
import { call, USERS } from "./api-client.ts";

let made = 0;
const nextId = () => `k${++made}api`;

describe("API keys", () => {
  it.each([
    ["no header", null, "AUTHORIZATION_HEADER_ERROR"],
    ["another key", `other:${API_SECRET}`, "BAD_API_KEY_OR_SECRET"],
    ["another secret", "key:wrong", "BAD_API_KEY_OR_SECRET"],
    ["no secret", "key:", "BAD_API_KEY_OR_SECRET"],
    ["no colon", "key", "BAD_API_KEY_OR_SECRET"],
    ["nothing", "", "AUTHORIZATION_HEADER_ERROR"],
    ["a user of the deployment", `first:${PASSWORD}`, "BAD_API_KEY_OR_SECRET"],
    ["a key that is SQL", `' OR 1=1 --:${API_SECRET}`, "BAD_API_KEY_OR_SECRET"],
  ])("%s is 401", async (_name, credentials, code) => {
    const deployment = await WholeDeployment.whole(nextId());
    const answer = await call(deployment, "GET", "/clients", { credentials, address: `198.51.100.${made}` });
    expect(answer).toMatchObject({ status: 401, body: { code } });
    expect(answer.headers.get("WWW-Authenticate")).toContain("Basic");
  });

  it("a bearer token and broken base64 are 401", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    for (const Authorization of ["Bearer abc", "Basic", "Basic !!!", `Basic ${btoa("ÿ:ÿ")}`]) {
      expect((await call(deployment, "GET", "/clients", { headers: { Authorization } })).status).toBe(401);
    }
  });

  it("a key of one deployment opens no other", async () => {
    const [a, b] = [await WholeDeployment.whole(nextId()), await WholeDeployment.whole(nextId())];
    await a.object.addApiKey(await apiKey("only-a", "secret-a"));
    const credentials = "only-a:secret-a";
    expect((await call(a, "GET", "/clients", { credentials })).status).toBe(200);
    expect((await call(b, "GET", "/clients", { credentials })).status).toBe(401);
  });

  it("a removed key is refused once what was remembered is too old, a new one at once", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    await deployment.object.addApiKey(await apiKey("new", "secret"));
    expect((await call(deployment, "GET", "/stats", { credentials: "new:secret" })).status).toBe(200);
    await deployment.object.removeApiKey("new");
    vi.useFakeTimers({ now: Date.now() + 10_001, toFake: ["Date"] });
    try {
      expect((await call(deployment, "GET", "/stats", { credentials: "new:secret" })).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });

  it("too many wrong ones from an address are 429, from there alone and for a time", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    const wrong = () => call(deployment, "GET", "/clients", { credentials: "key:wrong", address: "203.0.113.1" });
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    try {
      const statuses = new Set<number>();
      for (let i = 0; i < 102; i++) statuses.add((await wrong()).status);
      expect(statuses).toEqual(new Set([401, 429]));
      const right = { credentials: `key:${API_SECRET}` };
      expect((await call(deployment, "GET", "/clients", { ...right, address: "203.0.113.1" })).status).toBe(429);
      expect((await call(deployment, "GET", "/clients", { ...right, address: "203.0.113.2" })).status).toBe(200);
      vi.setSystemTime(Date.now() + 1_000);
      expect((await wrong()).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("whatever else is asked", () => {
  it("of a deployment that is not there or no more is 404", async () => {
    const never = new WholeDeployment(nextId(), 1);
    const gone = { status: 404, body: { code: "NOT_FOUND", message: "There is no such deployment." } };
    expect(await call(never, "GET", "/clients")).toMatchObject(gone);
    const deployment = await WholeDeployment.whole(nextId());
    await deployment.object.destroy(deployment.id);
    expect(await call(deployment, "GET", "/clients")).toMatchObject(gone);
  });

  it("is 404 for an unknown path, 415 for a body that is not JSON, 400 for JSON that is broken", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    expect(await call(deployment, "GET", "/nothing/here")).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    expect(await call(deployment, "POST", "/publish", { text: "topic=t", headers })).toMatchObject({
      status: 415,
      body: { code: "UNSUPPORTED_MEDIA_TYPE" },
    });
    expect(await call(deployment, "POST", "/publish", { text: '{"topic":' })).toMatchObject({
      status: 400,
      body: { code: "BAD_REQUEST" },
    });
    expect((await call(deployment, "POST", USERS, { text: "[]" })).status).toBe(400);
  });

  it("is 413 for a body that no message can need", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    const text = JSON.stringify({ topic: "t", payload: "x".repeat(7 * 1_024 * 1_024) });
    expect(await call(deployment, "POST", "/publish", { text })).toMatchObject({
      status: 413,
      body: { code: "EXCEED_LIMIT" },
    });
  });

  it("is 503 when a shard fails, with nothing of the reason", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    await deployment.breakTable(deployment.sessionShard(0), "session");
    const answer = await call(deployment, "GET", "/clients");
    expect(answer).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE" } });
    expect(JSON.stringify(answer.body)).not.toContain("SQL");
  });

  it("browsers of any origin may call, and see no cookies", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    const headers = {
      Origin: "https://example.com",
      "Access-Control-Request-Method": "GET",
      "Access-Control-Request-Headers": "authorization",
    };
    const preflight = await call(deployment, "OPTIONS", "/clients", { headers, credentials: null });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(preflight.headers.get("Access-Control-Allow-Headers")).toBe("authorization");
    expect(preflight.headers.get("Access-Control-Allow-Credentials")).toBeNull();
  });

  it("the OpenAPI document needs no key and has every path", async () => {
    const deployment = new WholeDeployment(nextId(), 1);
    const { status, body } = await call(deployment, "GET", "/openapi.json", { credentials: null });
    expect(status).toBe(200);
    const { openapi, servers, paths } = body as { openapi: string; servers: object[]; paths: Record<string, object> };
    expect(openapi).toBe("3.1.0");
    expect(servers).toEqual([{ url: `http://localhost/d/${deployment.id}/api/v5` }]);
    expect(Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, Object.keys(item)]))).toEqual({
      "/clients": ["get"],
      "/clients/{clientid}": ["get", "delete"],
      "/clients/{clientid}/subscriptions": ["get"],
      "/publish": ["post"],
      "/authentication/{id}/users": ["get", "post"],
      "/authentication/{id}/users/{user_id}": ["get", "put", "delete"],
      "/stats": ["get"],
      "/metrics": ["get"],
    });
  });

  it("an id that was made up is 404 before any object is touched", async () => {
    const answer = await SELF.fetch("http://localhost/d/aaaaaaaaaaaaaaaaaaaaaaaaa/api/v5/clients");
    expect(answer.status).toBe(404);
  });
});
