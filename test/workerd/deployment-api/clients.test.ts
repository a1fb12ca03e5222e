// /clients over real shards, one and four of them.

import { describe, expect, it } from "vitest";
import { call } from "./api-client.ts";
import { WholeDeployment } from "../deployment/deployment-client.ts";

let made = 0;
const nextId = () => `c${++made}api`;
const notFound = { status: 404, body: { code: "CLIENTID_NOT_FOUND", message: "Client ID not found" } };

interface Listed {
  data: { clientid: string }[];
  meta: object;
}

for (const shards of [1, 4]) {
  describe(`${shards} shard(s)`, () => {
    it("lists clients in the order of their ids, page by page", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const ids = Array.from({ length: 25 }, (_, i) => `client-${String(i).padStart(2, "0")}`);
      for (const id of ids) await deployment.connect(id);
      const seen: string[] = [];
      for (const page of [1, 2, 3]) {
        const { status, body } = await call(deployment, "GET", `/clients?page=${page}&limit=10`);
        const { data, meta } = body as Listed;
        expect(status).toBe(200);
        expect(meta).toEqual({ page, limit: 10, count: 25, hasnext: page < 3 });
        seen.push(...data.map(({ clientid }) => clientid));
      }
      expect(seen).toEqual(ids);
    });

    it("shows one client with what is known of it, connected or not", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const client = await deployment.connect("c", { username: "first", keepAliveSeconds: 30, protocolVersion: 4 });
      await client.subscribe("a/#");
      const { status, body } = await call(deployment, "GET", "/clients/c");
      expect(status).toBe(200);
      expect(body).toEqual({
        node: deployment.id,
        clientid: "c",
        username: "first",
        proto_name: "MQTT",
        proto_ver: 4,
        ip_address: "192.0.2.1",
        connected: true,
        connected_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        clean_start: false,
        keepalive: 30,
        expiry_interval: 3_600,
        subscriptions_cnt: 1,
        inflight_cnt: 0,
        inflight_max: 32,
        mqueue_len: 0,
        mqueue_max: 1_000,
        mqueue_dropped: 0,
        is_bridge: false,
      });
      client.close();
      await client.closed;
      await call(deployment, "POST", "/publish", { body: { topic: "a/1", payload: "waits", qos: 1 } });
      expect((await call(deployment, "GET", "/clients/c")).body).toMatchObject({
        connected: false,
        disconnected_at: expect.any(String),
        disconnect_reason: expect.any(String),
        mqueue_len: 1,
      });
    });

    it("lists a client's subscriptions", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const client = await deployment.connect("c");
      await client.subscribe("a/#", { qos: 1, nl: true, rap: true, rh: 2 });
      expect(await call(deployment, "GET", "/clients/c/subscriptions")).toMatchObject({
        status: 200,
        body: [{ node: deployment.id, clientid: "c", topic: "a/#", qos: 1, nl: 1, rap: 1, rh: 2 }],
      });
    });

    it("ends a client with 0x98 and discards its session", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const client = await deployment.connect("c");
      await client.subscribe("a/#");
      expect(await call(deployment, "DELETE", "/clients/c")).toMatchObject({ status: 204, body: null });
      expect((await client.take("disconnect")).reasonCode).toBe(0x98);
      expect(await call(deployment, "GET", "/clients/c")).toMatchObject(notFound);
      expect((await deployment.connect("c")).sessionPresent).toBe(false);
    });

    it("has 404 for a client that is not there, whatever is asked of it", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      expect(await call(deployment, "GET", "/clients/nobody")).toMatchObject(notFound);
      expect(await call(deployment, "GET", "/clients/nobody/subscriptions")).toMatchObject(notFound);
      expect(await call(deployment, "DELETE", "/clients/nobody")).toMatchObject(notFound);
    });

    it.each([
      "a/b/c",
      "with space",
      "grüße/🌊",
      "50%",
      "%2F",
      "a+b",
      "q?x=1&y",
      "#hash",
      "a:b",
      "..a",
      "\\",
      "\u{10ffff}",
    ])("takes the client id %j, percent-encoded", async (id) => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const client = await deployment.connect(id);
      await client.subscribe("t");
      const path = `/clients/${encodeURIComponent(id)}`;
      expect(await call(deployment, "GET", path)).toMatchObject({ status: 200, body: { clientid: id } });
      expect(await call(deployment, "GET", `${path}/subscriptions`)).toMatchObject({ body: [{ clientid: id }] });
      expect((await call(deployment, "DELETE", path)).status).toBe(204);
      expect(await call(deployment, "GET", path)).toMatchObject(notFound);
    });
  });
}

describe("filters", () => {
  it("choose by each of EMQX's names, and together", async () => {
    const deployment = await WholeDeployment.whole(nextId(), 4);
    await deployment.connect("pump-1", {
      username: "ops",
      protocolVersion: 4,
      cleanStart: true,
      peerAddress: "192.0.2.9",
    });
    await deployment.connect("pump-2", { username: "dev", protocolVersion: 5 });
    const gone = await deployment.connect("valve-1", { username: "ops" });
    gone.close();
    await gone.closed;
    const ids = async (query: string) => {
      const { status, body } = await call(deployment, "GET", `/clients?${query}`);
      expect(status).toBe(200);
      const { data, meta } = body as Listed & { meta: { count: number } };
      expect(meta).toMatchObject({ count: data.length, hasnext: false });
      return data.map(({ clientid }) => clientid);
    };
    expect(await ids("")).toEqual(["pump-1", "pump-2", "valve-1"]);
    expect(await ids("username=ops")).toEqual(["pump-1", "valve-1"]);
    expect(await ids("like_username=p")).toEqual(["pump-1", "valve-1"]);
    expect(await ids("like_clientid=ump")).toEqual(["pump-1", "pump-2"]);
    expect(await ids("conn_state=connected")).toEqual(["pump-1", "pump-2"]);
    expect(await ids("conn_state=disconnected")).toEqual(["valve-1"]);
    expect(await ids("conn_state=idle")).toEqual([]);
    expect(await ids("proto_ver=4")).toEqual(["pump-1"]);
    expect(await ids("clean_start=true")).toEqual(["pump-1"]);
    expect(await ids("clean_start=false")).toEqual(["pump-2", "valve-1"]);
    expect(await ids("ip_address=192.0.2.9")).toEqual(["pump-1"]);
    expect(await ids("username=ops&conn_state=disconnected")).toEqual(["valve-1"]);
    expect(await ids("like_clientid=%25")).toEqual([]);
  });

  it.each([
    ["page=0", "page"],
    ["page=x", "page"],
    ["limit=0", "limit"],
    ["limit=10001", "limit"],
    ["limit=1.5", "limit"],
    ["page=101&limit=1000", "filter"],
    ["conn_state=asleep", "conn_state"],
    ["proto_ver=6", "proto_ver"],
    ["clean_start=maybe", "clean_start"],
  ])("refuse %s", async (query, place) => {
    const deployment = await WholeDeployment.whole(nextId());
    const { status, body } = await call(deployment, "GET", `/clients?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "BAD_REQUEST", message: expect.stringContaining(place) });
  });
});
