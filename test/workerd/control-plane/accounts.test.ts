// Accounts: signing up, in and out, by cookie and by bearer token, and what keeps others away.

import { describe, expect, it } from "vitest";
import type { Mail } from "../../../src/control-plane/mailer.ts";
import { Visitor } from "./visitor.ts";

describe("signing up and in", () => {
  it("gives a token at once, and the account's plan is the service's choice", async () => {
    const visitor = new Visitor({ DEFAULT_PLAN: "free" });
    const { status, json } = await visitor.signUp();
    expect(status).toBe(200);
    expect(json.user).toMatchObject({ email: visitor.email, plan: "free", emailVerified: false });
    visitor.token = json.token;
    expect((await visitor.call("GET", "/api/deployments")).json).toEqual({ deployments: [], next: null });
  });

  it("lets nobody choose a plan", async () => {
    const visitor = new Visitor({ DEFAULT_PLAN: "free" });
    const { status, json } = await visitor.signUp({ plan: "local" });
    expect([status, json.user.plan]).toEqual([200, "free"]);
    visitor.token = json.token;
    expect((await visitor.call("POST", "/api/auth/update-user", { plan: "local" })).status).toBe(400);
    expect((await visitor.call("GET", "/api/auth/get-session")).json.user.plan).toBe("free");
  });

  it("stores no password, and a wrong one and an unknown address look alike", async () => {
    const visitor = await Visitor.signedUp();
    visitor.token = null;
    const wrong = await visitor.signIn({ password: "something else" });
    const unknown = await visitor.signIn({ email: `nobody-${visitor.email}` });
    expect([wrong.status, wrong.json.error.code]).toEqual([401, "invalid_email_or_password"]);
    expect([unknown.status, unknown.json.error.code]).toEqual([401, "invalid_email_or_password"]);
    expect(unknown.json.error.message).toBe(wrong.json.error.message);
  });

  it("refuses an address that has an account", async () => {
    const visitor = await Visitor.signedUp();
    visitor.token = null;
    const again = await visitor.signUp({ email: visitor.email.toUpperCase() });
    expect([again.status, again.json.error.code]).toEqual([422, "user_already_exists_use_another_email"]);
  });

  it("makes one account of two sign-ups at the same time", async () => {
    const visitor = new Visitor();
    const answers = await Promise.all([visitor.signUp(), visitor.signUp(), visitor.signUp()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422, 422]);
  });

  it("ends a session at sign-out, also without a body", async () => {
    const visitor = await Visitor.signedUp();
    expect((await visitor.call("POST", "/api/auth/sign-out")).status).toBe(200);
    expect((await visitor.call("GET", "/api/deployments")).status).toBe(401);
  });

  it("refuses a token that was made up", async () => {
    const visitor = new Visitor();
    for (const token of ["nonsense", "a.b", "", "%", "x".repeat(5_000)]) {
      visitor.token = token;
      const { status, json, headers } = await visitor.call("GET", "/api/deployments");
      expect([status, json.error.code]).toEqual([401, "unauthorized"]);
      expect(headers.get("WWW-Authenticate")).toBe("Bearer");
    }
  });

  it("ends the other sessions when the password changes", async () => {
    const visitor = await Visitor.signedUp();
    const other = (await visitor.signIn()).json.token;
    const changed = await visitor.call("POST", "/api/auth/change-password", {
      currentPassword: visitor.password,
      newPassword: "another horse entirely",
      revokeOtherSessions: true,
    });
    expect(changed.status).toBe(200);
    visitor.token = other;
    expect((await visitor.call("GET", "/api/deployments")).status).toBe(401);
    visitor.token = changed.json.token;
    expect((await visitor.call("GET", "/api/deployments")).status).toBe(200);
  });
});

describe("cookies", () => {
  async function withCookie(): Promise<{ visitor: Visitor; cookie: string; attributes: string }> {
    const visitor = new Visitor();
    const { headers } = await visitor.signUp();
    const attributes = headers.get("Set-Cookie") ?? "";
    return { visitor, cookie: attributes.split(";", 1)[0] ?? "", attributes };
  }

  it("are kept from scripts and from other sites", async () => {
    const { attributes } = await withCookie();
    expect(attributes).toMatch(/^fulmar\.session_token=/);
    expect(attributes).toMatch(/HttpOnly/i);
    expect(attributes).toMatch(/SameSite=Lax/i);
  });

  it("are for HTTPS alone where the service is served by it", async () => {
    const { headers } = await new Visitor({ PUBLIC_URL: "https://fulmar.example" }).signUp();
    expect(headers.get("Set-Cookie")).toMatch(/^__Secure-fulmar\.session_token=.*Secure/i);
    expect(headers.get("Strict-Transport-Security")).toMatch(/max-age=\d+/);
  });

  const fromElsewhere: Record<string, string>[] = [
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site", Origin: "http://localhost:9999" },
  ];
  for (const headers of fromElsewhere) {
    it(`change nothing from another site: ${JSON.stringify(headers)}`, async () => {
      const { visitor, cookie } = await withCookie();
      const send = (own: Record<string, string>) =>
        visitor.call("POST", "/api/deployments", { name: "x" }, { Cookie: cookie, ...own });
      expect((await send(headers)).json.error.code).toBe("cross_site");
      const signOut = await visitor.call("POST", "/api/auth/sign-out", {}, { Cookie: cookie, ...headers });
      expect(signOut.json.error.code).toBe("cross_site");
      const own = await send({ Origin: "http://localhost:8787", "Sec-Fetch-Site": "same-origin" });
      expect([201, 202]).toContain(own.status);
    });
  }

  it("no other site signs its visitors in", async () => {
    const visitor = await Visitor.signedUp();
    visitor.token = null;
    const { email, password } = visitor;
    const body = { email, password };
    const refused = await visitor.call("POST", "/api/auth/sign-in/email", body, { Origin: "https://evil.example" });
    expect([refused.status, refused.json.error.code]).toEqual([403, "cross_site"]);
    expect(refused.headers.get("Set-Cookie")).toBeNull();
  });
});

describe("verification of addresses", () => {
  function mailbox(): { mails: Mail[]; MAILER: { fetch(request: Request): Promise<Response> } } {
    const mails: Mail[] = [];
    return {
      mails,
      MAILER: {
        async fetch(request) {
          mails.push(await request.json());
          return new Response(null, { status: 204 });
        },
      },
    };
  }

  it("is demanded where the service says so, and the link of the mail does it", async () => {
    const { mails, MAILER } = mailbox();
    const visitor = new Visitor({ MAILER, EMAIL_VERIFICATION: "required" });
    expect((await visitor.signUp()).json.token).toBeNull();
    expect([(await visitor.signIn()).status, mails[0]?.to]).toEqual([403, visitor.email]);
    const link = new URL(/http\S+/.exec(mails[0]?.text ?? "")?.[0] ?? "");
    const verified = await visitor.call("GET", link.pathname + link.search);
    expect([verified.status, verified.headers.get("Location")]).toEqual([302, "/"]);
    const signedIn = await visitor.signIn();
    expect([signedIn.status, signedIn.json.user.emailVerified]).toEqual([200, true]);
  });

  it("answers a second sign-up like the first, so that nobody learns who has an account", async () => {
    const { MAILER } = mailbox();
    const visitor = new Visitor({ MAILER, EMAIL_VERIFICATION: "required" });
    const first = await visitor.signUp();
    const second = await visitor.signUp();
    expect(second.status).toBe(first.status);
    expect(Object.keys(second.json.user).sort()).toEqual(Object.keys(first.json.user).sort());
  });

  it("leads nowhere else by its link", async () => {
    const { mails, MAILER } = mailbox();
    const visitor = new Visitor({ MAILER, EMAIL_VERIFICATION: "required" });
    const { status } = await visitor.signUp({ callbackURL: "https://evil.example/" });
    expect([status, mails.length]).toEqual([403, 0]);
  });

  it("says so when no mailer is there to do it", async () => {
    const { status, json } = await new Visitor({ EMAIL_VERIFICATION: "required" }).signUp();
    expect([status, json.error.code]).toEqual([503, "mailer_missing"]);
  });

  it("holds up nobody where it is not demanded, not even with a mailer that fails", async () => {
    const MAILER = { fetch: async () => new Response(null, { status: 500 }) };
    expect((await new Visitor({ MAILER }).signUp()).json.token).toMatch(/./);
  });
});

describe("limits per address", () => {
  it("stop guessing, whatever a client claims of its address, and leave others alone", async () => {
    const victim = await Visitor.signedUp({ DEFAULT_PLAN: "free" });
    const guesser = new Visitor({ DEFAULT_PLAN: "free" });
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) {
      const claimed = { "X-Forwarded-For": `198.51.100.${i}`, "X-Real-IP": `198.51.100.${i}` };
      const body = { email: victim.email, password: `guess number ${i}` };
      const answer = await guesser.call("POST", "/api/auth/sign-in/email", body, claimed);
      statuses.push(answer.status);
      if (answer.status !== 429) continue;
      expect(answer.json.error.code).toBe("too_many_requests");
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429]);
    expect((await victim.signIn()).status).toBe(200);
  });

  it("stop an address that signs up for ever", async () => {
    const visitor = new Visitor({ DEFAULT_PLAN: "free" });
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) statuses.push((await visitor.signUp({ email: `${i}-${visitor.email}` })).status);
    expect(statuses).toEqual([...Array<number>(10).fill(200), 429]);
  });

  it("count attempts at the same time", async () => {
    const guesser = new Visitor({ DEFAULT_PLAN: "free" });
    const answers = await Promise.all(Array.from({ length: 20 }, () => guesser.signIn()));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10);
  });

  it("are wider on one's own machine", async () => {
    const visitor = new Visitor({ DEFAULT_PLAN: "local" });
    for (let i = 0; i < 12; i++) expect((await visitor.signIn()).status).toBe(401);
  });
});
