// What holds for every route: the form of errors, bounds on input, headers; health; and the API's own description.

import { describe, expect, it, vi } from "vitest";
import { Visitor } from "./visitor.ts";

describe("errors", () => {
  const absent = [
    "GET /nothing",
    "GET /api",
    "GET /api/nothing",
    "POST /api/docs",
    // What better-auth could do besides what this service offers.
    "GET /api/auth/ok",
    "GET /api/auth/error",
    "POST /api/auth/delete-user",
    "POST /api/auth/change-email",
    "POST /api/auth/sign-in/social",
  ];
  for (const route of absent) {
    it(`404 at ${route}`, async () => {
      const [method = "", path = ""] = route.split(" ");
      const { status, json, headers } = await new Visitor().call(method, path);
      expect([status, json.error.code]).toEqual([404, "not_found"]);
      expect(json.error.requestId).toBe(headers.get("X-Request-Id"));
    });
  }

  it("tell nothing of an unexpected failure but the id under which it was logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    try {
      const visitor = new Visitor({ DATABASE_PROXY: "127.0.0.1:1" });
      visitor.token = "neverissued";
      for (const answer of [await visitor.call("GET", "/api/deployments"), await visitor.signIn()]) {
        expect([answer.status, answer.json.error.code]).toEqual([500, "internal"]);
        expect(answer.text).not.toMatch(/127\.0\.0\.1|connect|select|postgres|stack/i);
        const logged = log.mock.calls.flat().join("\n");
        expect(logged).toContain(answer.json.error.requestId);
        expect(logged).not.toContain("neverissued");
        expect(logged).not.toContain(visitor.email);
      }
    } finally {
      log.mockRestore();
    }
  });
});

describe("input", () => {
  const bodies: [what: string, body: unknown, status: number, code: string][] = [
    ["no JSON", "{", 400, "invalid_json"],
    ["no object", "[]", 400, "invalid_request"],
    ["null", "null", 400, "invalid_request"],
    ["no name", {}, 400, "invalid_request"],
    ["an empty name", { name: "  " }, 400, "invalid_request"],
    ["a long name", { name: "x".repeat(65) }, 400, "invalid_request"],
    ["a name with U+0000", { name: "a\u0000b" }, 400, "invalid_request"],
    ["a name of two lines", { name: "a\nb" }, 400, "invalid_request"],
    ["a lone surrogate", '{"name":"\\ud800"}', 400, "invalid_request"],
    ["a number", { name: 5 }, 400, "invalid_request"],
    ["an unknown region", { name: "x", region: "moon" }, 400, "invalid_request"],
    ["an unknown field", { name: "x", plan: "local" }, 400, "invalid_request"],
    ["too many bytes", { name: "x".repeat(70_000) }, 413, "body_too_large"],
  ];
  for (const [what, body, status, code] of bodies) {
    it(`refuses ${what} in a new deployment`, async () => {
      const answer = await (await Visitor.signedUp()).call("POST", "/api/deployments", body);
      expect([answer.status, answer.json.error.code]).toEqual([status, code]);
    });
  }

  it("refuses a body that is not said to be JSON", async () => {
    const visitor = await Visitor.signedUp();
    const answer = await visitor.call("POST", "/api/deployments", "name=x", {
      "Content-Type": "application/x-www-form-urlencoded",
    });
    expect([answer.status, answer.json.error.code]).toEqual([415, "unsupported_media_type"]);
  });

  const ids = ["%00", "..%2F..", "%F0%9F%90%A6", "a".repeat(25), "A".repeat(25), "x".repeat(5_000), "'--"];
  for (const id of ids) {
    it(`finds no deployment named ${id.slice(0, 30)}`, async () => {
      const { status } = await (await Visitor.signedUp()).call("GET", `/api/deployments/${id}`);
      expect(status).toBe(404);
    });
  }

  for (const query of ["limit=0", "limit=101", "limit=x", "after=%00", "after=A"]) {
    it(`refuses to list with ${query}`, async () => {
      const { status, json } = await (await Visitor.signedUp()).call("GET", `/api/deployments?${query}`);
      expect([status, json.error.code]).toEqual([400, "invalid_request"]);
    });
  }

  const signUps: [what: string, change: object, status: number][] = [
    ["no address", { email: "nonsense" }, 400],
    ["an address with U+0000", { email: "a\u0000@example.com" }, 400],
    ["a short password", { password: "1234567" }, 400],
    ["a long password", { password: "x".repeat(129) }, 400],
    ["no password", { password: null }, 400],
    ["an object as address", { email: { $ne: "" } }, 400],
    ["too many bytes", { name: "x".repeat(70_000) }, 413],
  ];
  for (const [what, change, status] of signUps) {
    it(`refuses to sign up with ${what}`, async () => {
      const answer = await new Visitor().signUp(change);
      expect([answer.status, typeof answer.json.error.requestId]).toEqual([status, "string"]);
    });
  }

  it("refuses a region that this place does not have", async () => {
    const visitor = await Visitor.signedUp();
    const { status, json } = await visitor.call("POST", "/api/deployments", { name: "x", region: "eu" });
    expect([status, json.error.code]).toEqual([400, "region_unavailable"]);
    expect((await visitor.call("GET", "/api/deployments")).json.deployments).toEqual([]);
  });
});

describe("health", () => {
  it("is ok when database and broker answer, and names what does not", async () => {
    let now = Date.now();
    const clock = vi.spyOn(Date, "now").mockImplementation(() => now);
    try {
      const ask = async (visitor: Visitor) => {
        now += 60_000;
        const { status, json } = await visitor.call("GET", "/health");
        return [status, json];
      };
      expect(await ask(new Visitor())).toEqual([200, { status: "ok" }]);
      expect(await ask(new Visitor({ DATABASE_PROXY: "127.0.0.1:1" }))).toEqual([
        503,
        { status: "unavailable", failing: ["database"] },
      ]);
      const cut = { getByName: () => ({ ping: () => Promise.reject(new Error("cut")) }) } as never;
      expect(await ask(new Visitor({ DEPLOYMENT: cut }))).toEqual([
        503,
        { status: "unavailable", failing: ["broker"] },
      ]);
      expect(await ask(new Visitor())).toEqual([200, { status: "ok" }]);
    } finally {
      clock.mockRestore();
    }
  });
});

describe("the API's description", () => {
  it("is an OpenAPI 3.1 document of every route", async () => {
    const { status, json } = await new Visitor().call("GET", "/api/openapi.json");
    expect([status, json.openapi, json.servers]).toEqual([200, "3.1.0", [{ url: "http://localhost:8787" }]]);
    const operations = Object.entries(json.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method} ${path}`),
    );
    expect(operations).toEqual(
      expect.arrayContaining([
        "post /api/auth/sign-up/email",
        "post /api/auth/sign-in/email",
        "post /api/auth/sign-out",
        "get /api/deployments",
        "post /api/deployments",
        "get /api/deployments/{id}",
        "patch /api/deployments/{id}",
        "delete /api/deployments/{id}",
        "get /api/deployments/{id}/shards",
        "get /api/deployments/{id}/api-keys",
        "post /api/deployments/{id}/api-keys",
        "delete /api/deployments/{id}/api-keys/{key}",
        "get /health",
      ]),
    );
    const references = JSON.stringify(json).match(/#\/components\/schemas\/[^"]+/g) ?? [];
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references)
      expect(json.components.schemas).toHaveProperty(reference.split("/").at(-1) ?? "");
  });

  for (const path of ["/", "/api/docs"]) {
    it(`${path} is a page that asks nothing of anyone else`, async () => {
      const { status, text, headers } = await new Visitor().call("GET", path);
      expect([status, headers.get("Content-Type")]).toEqual([200, "text/html; charset=UTF-8"]);
      expect(headers.get("Content-Security-Policy")).toContain("default-src 'none'");
      expect(text).not.toMatch(/<script|<link|<img|@import|url\(/i);
      expect(text).toContain(path === "/" ? '<a href="/api/openapi.json">' : "/api/deployments");
    });
  }

  it("the page shows every route", async () => {
    const visitor = new Visitor();
    const { paths } = (await visitor.call("GET", "/api/openapi.json")).json;
    const { text } = await visitor.call("GET", "/api/docs");
    for (const path of Object.keys(paths)) expect(text).toContain(`<code>${path}</code>`);
  });
});

describe("headers", () => {
  it("keep browsers from guessing, framing and keeping answers", async () => {
    const { headers } = await new Visitor().call("GET", "/api/deployments");
    expect(Object.fromEntries(headers)).toMatchObject({
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
  });

  it("let pages elsewhere use tokens, never cookies", async () => {
    const visitor = await Visitor.signedUp();
    const elsewhere = { Origin: "https://dashboard.example" };
    const preflight = await visitor.call("OPTIONS", "/api/deployments", undefined, {
      ...elsewhere,
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,content-type",
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Headers")).toMatch(/authorization/i);
    const { headers, status } = await visitor.call("GET", "/api/deployments", undefined, elsewhere);
    expect([status, headers.get("Access-Control-Allow-Origin")]).toEqual([200, "*"]);
    expect(headers.get("Access-Control-Allow-Credentials")).toBeNull();
    const signIn = await visitor.call("OPTIONS", "/api/auth/sign-in/email", undefined, elsewhere);
    expect(signIn.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });
});
