// Deployments: made, read, changed and deleted by their account, absent to all others, and never half made.

import { describe, expect, it } from "vitest";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { parseDeploymentId } from "../../../src/contracts/deployment-id.ts";
import { bindings, Visitor } from "./visitor.ts";

describe("a deployment", () => {
  it("runs when it is made, with an endpoint and secrets that are shown this once", async () => {
    const visitor = await Visitor.signedUp();
    const { status, json } = await visitor.createDeployment("greenhouse");
    expect(status).toBe(201);
    const { id } = json.deployment;
    expect(await parseDeploymentId(id, bindings.DEPLOYMENT_ID_KEY)).toBe(id);
    expect(json).toEqual({
      deployment: {
        id,
        name: "greenhouse",
        status: "running",
        region: "auto",
        endpoints: { mqtt: `ws://localhost:8787/d/${id}/mqtt`, api: `http://localhost:8787/d/${id}/api/v5` },
        settings: defaultBrokerSettings,
        shards: { session: 1, topic: 1, automatic: false },
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
      credentials: { username: expect.stringMatching(/^device-.{8}$/), password: expect.stringMatching(/^.{40,}$/) },
      apiKey: { key: expect.stringMatching(/^.{16}$/), secret: expect.stringMatching(/^.{40,}$/) },
    });
    const read = await visitor.call("GET", `/api/deployments/${id}`);
    expect([read.status, read.json]).toEqual([200, { deployment: json.deployment }]);
    for (const { text } of [read, await visitor.call("GET", "/api/deployments")]) {
      expect(text).not.toContain(json.credentials.password);
      expect(text).not.toContain(json.apiKey.secret);
    }
  });

  it("has hosts of its own where the service has a domain", async () => {
    const visitor = await Visitor.signedUp({ BASE_DOMAIN: "mqtt.example", PUBLIC_URL: "https://fulmar.example" });
    const { id, endpoints } = (await visitor.createDeployment()).json.deployment;
    expect(endpoints).toEqual({ mqtt: `wss://${id}.mqtt.example/mqtt`, api: `https://${id}.mqtt.example/api/v5` });
  });

  it("lets its first user and its first API key in", async () => {
    const visitor = await Visitor.signedUp();
    const { deployment, credentials, apiKey } = (await visitor.createDeployment()).json;
    const object = bindings.DEPLOYMENT.getByName(deployment.id);
    const admission = await object.admit(credentials.username);
    expect(admission).toMatchObject({
      ok: true,
      value: {
        config: { version: 1, status: "running", limits: { sessionsMax: 1_000, retainedMessagesMax: 2_000 } },
        lookup: { principal: { username: credentials.username, isSuperuser: false, verifier: { type: "sha256" } } },
      },
    });
    expect(await object.findApiKey(apiKey.key)).toMatchObject({ ok: true, value: { key: apiKey.key } });
    expect(JSON.stringify(admission)).not.toContain(credentials.password);
  });

  it("is renamed, stopped and started, and the data plane follows", async () => {
    const visitor = await Visitor.signedUp();
    const { id } = (await visitor.createDeployment()).json.deployment;
    const versionAndStatus = async () => {
      const outcome = await bindings.DEPLOYMENT.getByName(id).admit(null);
      return outcome.ok ? [outcome.value.config.version, outcome.value.config.status] : outcome.error;
    };
    const change = (body: object) => visitor.call("PATCH", `/api/deployments/${id}`, body);

    expect((await change({ name: "  orangery " })).json.deployment).toMatchObject({
      name: "orangery",
      status: "running",
    });
    expect(await versionAndStatus()).toEqual([1, "running"]);
    expect((await change({ status: "stopped" })).json.deployment.status).toBe("stopped");
    expect(await versionAndStatus()).toEqual([2, "stopped"]);
    expect((await change({ status: "stopped" })).status).toBe(200);
    expect(await versionAndStatus()).toEqual([2, "stopped"]);
    expect((await change({ status: "running" })).json.deployment.status).toBe("running");
    expect(await versionAndStatus()).toEqual([3, "running"]);
  });

  it("is gone when it is deleted, its objects too, and its id stays taken", async () => {
    const visitor = await Visitor.signedUp();
    const { deployment, credentials } = (await visitor.createDeployment()).json;
    const path = `/api/deployments/${deployment.id}`;
    let { status } = await visitor.call("DELETE", path);
    while (status === 202) ({ status } = await visitor.call("DELETE", path));
    expect(status).toBe(204);
    for (const method of ["GET", "DELETE"]) expect((await visitor.call(method, path)).status).toBe(404);
    expect((await visitor.call("PATCH", path, { name: "x" })).status).toBe(404);
    expect((await visitor.call("GET", "/api/deployments")).json.deployments).toEqual([]);
    const object = bindings.DEPLOYMENT.getByName(deployment.id);
    expect(await object.admit(credentials.username)).toEqual({ ok: false, error: "not_provisioned" });
  });

  it("is listed a page at a time, newest first, also when the page's end was deleted meanwhile", async () => {
    const visitor = await Visitor.signedUp({ DEFAULT_PLAN: "local" });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await visitor.createDeployment(`d${i}`)).json.deployment.id);
    const page = async (query: string) => {
      const { json } = await visitor.call("GET", `/api/deployments?${query}`);
      return { ids: json.deployments.map(({ id }: { id: string }) => id), next: json.next };
    };
    expect(await page("limit=2")).toEqual({ ids: ids.slice(0, 2), next: ids[1] });
    expect(await page(`limit=2&after=${ids[1]}`)).toEqual({ ids: ids.slice(2, 4), next: ids[3] });
    expect((await visitor.call("DELETE", `/api/deployments/${ids[3]}`)).status).toBe(204);
    expect(await page(`limit=2&after=${ids[3]}`)).toEqual({ ids: ids.slice(4), next: null });
    expect(await page("")).toEqual({ ids: [ids[0], ids[1], ids[2], ids[4]], next: null });
    expect(await page("after=nothere")).toEqual({ ids: [], next: null });
  });
});

describe("API keys", () => {
  it("are made, listed without secrets, and removed", async () => {
    const visitor = await Visitor.signedUp();
    const { deployment, apiKey: first } = (await visitor.createDeployment()).json;
    const path = `/api/deployments/${deployment.id}/api-keys`;
    const made = await visitor.call("POST", path, { name: "dashboards" });
    expect([made.status, made.json.apiKey.name]).toEqual([201, "dashboards"]);
    const listed = await visitor.call("GET", path);
    const keys = listed.json.apiKeys.map(({ key }: { key: string }) => key);
    expect(keys.sort()).toEqual([first.key, made.json.apiKey.key].sort());
    expect(listed.text).not.toContain(made.json.apiKey.secret);
    expect((await visitor.call("DELETE", `${path}/${first.key}`)).status).toBe(204);
    expect((await visitor.call("DELETE", `${path}/${first.key}`)).status).toBe(404);
    expect((await visitor.call("GET", path)).json.apiKeys).toHaveLength(1);
  });
});

describe("another account", () => {
  it("finds nothing, by any method", async () => {
    const owner = await Visitor.signedUp();
    const stranger = await Visitor.signedUp();
    const { deployment, apiKey } = (await owner.createDeployment()).json;
    const path = `/api/deployments/${deployment.id}`;
    const attempts: [method: string, path: string, body?: object][] = [
      ["GET", path],
      ["PATCH", path, { name: "mine" }],
      ["PATCH", path, { status: "stopped" }],
      ["PATCH", path, { shards: { session: 2 } }],
      ["DELETE", path],
      ["GET", `${path}/shards`],
      ["GET", `${path}/api-keys`],
      ["POST", `${path}/api-keys`, { name: "mine" }],
      ["DELETE", `${path}/api-keys/${apiKey.key}`],
    ];
    const absent = await stranger.call("GET", "/api/deployments/aaaaaaaaaaaaaaaaaaaaaaaaa");
    for (const [method, attempted, body] of attempts) {
      const { status, json } = await stranger.call(method, attempted, body);
      expect([method, attempted, status, json.error.message]).toEqual([
        method,
        attempted,
        404,
        absent.json.error.message,
      ]);
    }
    expect((await stranger.call("GET", "/api/deployments")).json.deployments).toEqual([]);
    expect((await stranger.call("GET", `/api/deployments?after=${deployment.id}`)).json.deployments).toEqual([]);
    expect((await owner.call("GET", path)).json.deployment).toEqual(deployment);
  });

  it("nobody at all gets 401, by any method", async () => {
    const path = `/api/deployments/${(await (await Visitor.signedUp()).createDeployment()).json.deployment.id}`;
    const nobody = new Visitor();
    for (const method of ["GET", "PATCH", "DELETE"]) expect((await nobody.call(method, path)).status).toBe(401);
    for (const method of ["GET", "POST"]) expect((await nobody.call(method, "/api/deployments")).status).toBe(401);
  });
});

describe("the plan", () => {
  it("`free` allows three deployments, also when they are made at the same time", async () => {
    const visitor = await Visitor.signedUp({ DEFAULT_PLAN: "free" });
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => visitor.createDeployment(`d${i}`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status === 403);
    expect(refused.map(({ json }) => json.error.code)).toEqual(Array(3).fill("quota_exceeded"));
  });

  it("`free` counts what is deleted no more", async () => {
    const visitor = await Visitor.signedUp({ DEFAULT_PLAN: "free" });
    const made = [1, 2, 3].map((i) => visitor.createDeployment(`d${i}`));
    const [first] = await Promise.all(made);
    expect((await visitor.createDeployment()).status).toBe(403);
    expect((await visitor.call("DELETE", `/api/deployments/${first?.json.deployment.id}`)).status).toBe(204);
    expect((await visitor.createDeployment()).status).toBe(201);
  });

  it("`local` has no such count, and its deployments no rates", async () => {
    const visitor = await Visitor.signedUp({ DEFAULT_PLAN: "local" });
    let last = "";
    for (let i = 0; i < 5; i++) last = (await visitor.createDeployment()).json.deployment.id;
    const outcome = await bindings.DEPLOYMENT.getByName(last).admit(null);
    expect(outcome.ok && outcome.value.config.limits).toEqual({
      sessionsMax: null,
      messagesPerSecond: null,
      subscriptionsPerClientMax: null,
      messageBytesMax: 1_048_576,
      retainedMessagesMax: null,
    });
  });
});
