// Who is let in, what is asked for it and what is not, with a clock and a Deployment object of the test's own.

import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import type { DeploymentConfig } from "../../../src/contracts/deployment-config.ts";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import type { DeploymentId } from "../../../src/contracts/deployment-id.ts";
import type { Principal } from "../../../src/contracts/principal.ts";
import { makeGeneratedVerifier, makePasswordVerifier } from "../../../src/platform/secrets.ts";
import type { Credentials, LookUp } from "../../../src/worker/authenticate/authenticator.ts";
import { Authenticator } from "../../../src/worker/authenticate/authenticator.ts";

const ID = "deployment" as DeploymentId;
const bytes = (text: string) => new TextEncoder().encode(text);

function config(version = 1, status: "running" | "stopped" = "running"): DeploymentConfig {
  return {
    v: 1,
    version,
    status,
    shards: { session: 1, topic: 1 },
    limits: {
      sessionsMax: null,
      messagesPerSecond: null,
      subscriptionsPerClientMax: null,
      messageBytesMax: 1_000,
      retainedMessagesMax: null,
    },
    settings: defaultBrokerSettings,
  };
}

/** The Deployment object's side, with users that a test may change. */
class Origin {
  config = config();
  revision = 0;
  readonly users = new Map<string, Principal>();
  asked: (string | null)[] = [];
  fails = false;
  exists = true;

  readonly lookUp: LookUp = async (username) => {
    this.asked.push(username);
    if (this.fails) throw new Error("overloaded");
    if (!this.exists) return { ok: false, error: "not_provisioned" };
    const principal = username === null ? null : (this.users.get(username) ?? null);
    return {
      ok: true,
      value: { config: this.config, lookup: username === null ? null : { revision: this.revision, principal } },
    };
  };

  async user(username: string, password: string, kind: "generated" | "password" = "generated"): Promise<void> {
    const verifier = await (kind === "generated" ? makeGeneratedVerifier(password) : makePasswordVerifier(password));
    this.users.set(username, { username, isSuperuser: false, verifier });
  }
}

async function setUp(kind: "generated" | "password" = "generated") {
  const origin = new Origin();
  await origin.user("pump", "right", kind);
  const clock = { now: 1_000_000 };
  const authenticator = new Authenticator(() => clock.now);
  const admit = (change: Partial<Credentials> = {}) =>
    authenticator.admit(origin.lookUp, {
      deploymentId: ID,
      username: "pump",
      password: bytes("right"),
      peerAddress: "192.0.2.1",
      ...change,
    });
  return { origin, clock, authenticator, admit };
}

const wrong = { outcome: "deny", reasonCode: 0x86, reasonString: "wrong user name or password" };

describe("admission", () => {
  it.each(["generated", "password"] as const)("a right %s secret is let in, and looked up once", async (kind) => {
    const { origin, admit } = await setUp(kind);
    for (let i = 0; i < 3; i++) {
      expect(await admit()).toEqual({
        outcome: "allow",
        config: config(),
        principal: { username: "pump", isSuperuser: false },
        revision: 0,
      });
    }
    expect(origin.asked).toEqual(["pump"]);
  });

  it("[MQTT-4.13.2-1] a wrong user and a wrong password look alike", async () => {
    const { admit } = await setUp();
    expect(await admit({ password: bytes("wrong") })).toEqual(wrong);
    expect(await admit({ username: "nobody" })).toEqual(wrong);
    expect(await admit({ password: null })).toEqual(wrong);
    expect(await admit({ username: null, password: null })).toEqual(wrong);
    expect(await admit({ username: "" })).toEqual(wrong);
  });

  it("a wrong user, a wrong generated secret and a wrong password each cost one derivation", async () => {
    const { origin, admit } = await setUp();
    await origin.user("person", "right", "password");
    const derived: number[] = [];
    const { deriveBits } = crypto.subtle;
    let calls = 0;
    crypto.subtle.deriveBits = function count(...parameters: Parameters<typeof deriveBits>) {
      calls += 1;
      return deriveBits.apply(crypto.subtle, parameters);
    } as typeof deriveBits;
    try {
      for (const username of ["nobody", "pump", "person", "nobody", "pump", "person"]) {
        calls = 0;
        expect(await admit({ username, password: bytes("wrong") })).toEqual(wrong);
        derived.push(calls);
      }
    } finally {
      crypto.subtle.deriveBits = deriveBits;
    }
    expect(derived).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it("nobody is refused from the cache: a new user and a new password count at once", async () => {
    const { origin, admit } = await setUp();
    expect(await admit({ username: "new" })).toEqual(wrong);
    await origin.user("new", "right");
    expect((await admit({ username: "new" })).outcome).toBe("allow");
    await admit();
    await origin.user("pump", "changed");
    origin.revision = 1;
    expect(await admit({ password: bytes("changed") })).toMatchObject({ outcome: "allow", revision: 1 });
    expect(await admit()).toEqual(wrong);
  });

  it("what is cached is a minute old at most, and gone when it is forgotten", async () => {
    const { origin, clock, authenticator, admit } = await setUp();
    await admit();
    origin.users.delete("pump");
    clock.now += limits.principalCacheMs - 1;
    expect((await admit()).outcome).toBe("allow");
    clock.now += 1;
    expect(await admit()).toEqual(wrong);
    await origin.user("pump", "right");
    await admit();
    origin.users.delete("pump");
    authenticator.forgetPrincipal(ID, "pump");
    expect(await admit()).toEqual(wrong);
    await origin.user("pump", "right");
    await admit();
    origin.exists = false;
    expect((await admit()).outcome).toBe("allow");
    authenticator.forgetDeployment(ID);
    expect(await admit()).toEqual({ outcome: "not_provisioned" });
  });

  it("a password that was right is derived once while its user is cached, and anew when the user changed", async () => {
    const { origin, admit } = await setUp("password");
    await admit();
    const { deriveBits } = crypto.subtle;
    crypto.subtle.deriveBits = () => Promise.reject(new Error("derived again"));
    try {
      for (let i = 0; i < 10; i++) expect((await admit()).outcome).toBe("allow");
    } finally {
      crypto.subtle.deriveBits = deriveBits;
    }
    await origin.user("pump", "changed", "password");
    expect((await admit({ password: bytes("changed") })).outcome).toBe("allow");
    expect(await admit()).toEqual(wrong);
  });

  it("a secret of one deployment opens no other with the same user name", async () => {
    const { admit } = await setUp();
    await admit();
    const other = new Origin();
    await other.user("pump", "the other's");
    const authenticator = new Authenticator(() => 0);
    const credentials = { username: "pump", password: bytes("right"), peerAddress: "192.0.2.1" };
    expect(
      await authenticator.admit((await setUp()).origin.lookUp, { ...credentials, deploymentId: ID }),
    ).toMatchObject({
      outcome: "allow",
    });
    const elsewhere = { ...credentials, deploymentId: "other" as DeploymentId };
    expect(await authenticator.admit(other.lookUp, elsewhere)).toEqual(wrong);
  });
});

describe("the deployment's config", () => {
  it("a stopped deployment is told apart, from the cache and by a look-up", async () => {
    const { origin, authenticator, admit } = await setUp();
    await admit();
    authenticator.learnConfig(ID, config(2, "stopped"));
    const stopped = { outcome: "deny", reasonCode: 0x88, reasonString: "the deployment is stopped" };
    expect(await admit()).toEqual(stopped);
    authenticator.forgetDeployment(ID);
    origin.config = config(2, "stopped");
    expect(await admit({ username: "nobody" })).toEqual(stopped);
  });

  it("a deployment that was stopped and runs again lets its users in at once", async () => {
    const { origin, authenticator, admit } = await setUp();
    await admit();
    authenticator.learnConfig(ID, config(2, "stopped"));
    origin.config = config(3);
    expect(await admit()).toMatchObject({ outcome: "allow", config: { version: 3 } });
  });

  it("the newest that was seen counts, whatever comes late", async () => {
    const { origin, authenticator, admit } = await setUp();
    authenticator.learnConfig(ID, config(5));
    expect(await admit()).toMatchObject({ config: { version: 5 } });
    authenticator.learnConfig(ID, config(4));
    expect(await authenticator.findConfig(origin.lookUp, ID)).toMatchObject({ version: 5 });
  });

  it("is looked up once a minute; null when there is no such deployment", async () => {
    const { origin, clock, authenticator } = await setUp();
    for (let i = 0; i < 3; i++) expect(await authenticator.findConfig(origin.lookUp, ID)).toEqual(config());
    expect(origin.asked).toEqual([null]);
    clock.now += limits.principalCacheMs;
    origin.exists = false;
    expect(await authenticator.findConfig(origin.lookUp, ID)).toBeNull();
    origin.fails = true;
    await expect(authenticator.findConfig(origin.lookUp, ID)).rejects.toThrow("overloaded");
  });

  it("an object that does not answer is 0x88, and cached users still get in", async () => {
    const { origin, admit } = await setUp();
    await admit();
    origin.fails = true;
    expect((await admit()).outcome).toBe("allow");
    expect(await admit({ username: "other" })).toMatchObject({ outcome: "deny", reasonCode: 0x88 });
  });
});

describe("rates", () => {
  const rate = { outcome: "deny", reasonCode: 0x9f, reasonString: "too many connection attempts" };

  it("CONNECTs of one address are bounded before anything is looked up", async () => {
    const { origin, clock, admit } = await setUp();
    for (let i = 0; i < limits.connectsPerAddressBurst; i++) await admit();
    origin.asked = [];
    expect(await admit({ username: "someone" })).toEqual(rate);
    expect(await admit({ peerAddress: "192.0.2.2" })).toMatchObject({ outcome: "allow" });
    expect(origin.asked).toEqual([]);
    clock.now += 1_000;
    expect((await admit()).outcome).toBe("allow");
  });

  it("wrong credentials of one address are bounded: then only what is cached gets in from there", async () => {
    const { origin, clock, admit } = await setUp();
    await origin.user("other", "right");
    await admit();
    for (let i = 0; i <= limits.refusalsPerAddressBurst; i++) {
      expect(await admit({ username: null })).toEqual(wrong);
    }
    origin.asked = [];
    expect(await admit({ username: "guess" })).toEqual(rate);
    expect(await admit({ username: "other" })).toEqual(rate);
    expect(origin.asked).toEqual([]);
    expect((await admit()).outcome).toBe("allow");
    expect((await admit({ username: "other", peerAddress: "192.0.2.2" })).outcome).toBe("allow");
    clock.now += 1_000;
    expect(await admit({ username: "guess" })).toEqual(wrong);
  });

  it("guesses at one user from many addresses are looked up so often and no more; the right secret still gets in", async () => {
    const { origin, admit } = await setUp();
    await admit();
    origin.asked = [];
    const outcomes = [];
    for (let i = 0; i < limits.relookupsPerUserBurst + 5; i++) {
      outcomes.push(await admit({ password: bytes(`guess ${i}`), peerAddress: `192.0.2.${i}` }));
    }
    expect(origin.asked).toHaveLength(limits.relookupsPerUserBurst);
    expect(outcomes.at(-1)).toEqual(rate);
    expect((await admit()).outcome).toBe("allow");
  }, 20_000);

  it("look-ups for one deployment are bounded, others' go on", async () => {
    const { origin, authenticator, admit } = await setUp();
    for (let i = 0; i < limits.lookupsPerDeploymentBurst; i++) {
      await admit({ username: null, peerAddress: `a${i}` });
    }
    expect(await admit({ username: "x", peerAddress: "b" })).toMatchObject({ outcome: "deny", reasonCode: 0x89 });
    const other = {
      deploymentId: "other" as DeploymentId,
      username: "pump",
      password: bytes("right"),
      peerAddress: "b",
    };
    expect((await authenticator.admit(origin.lookUp, other)).outcome).toBe("allow");
  });

  it("derivations at a time are bounded: one more is 0x89, and their places come back", async () => {
    const { admit } = await setUp("password");
    await admit({ password: bytes("wrong"), peerAddress: "z" });
    const { deriveBits } = crypto.subtle;
    const held: (() => void)[] = [];
    crypto.subtle.deriveBits = function hold(...parameters: Parameters<typeof deriveBits>) {
      return new Promise<ArrayBuffer>((resolve, reject) => {
        held.push(() => {
          deriveBits.apply(crypto.subtle, parameters).then(resolve, reject);
        });
      });
    } as typeof deriveBits;
    try {
      const running = Array.from({ length: limits.concurrentHashes }, (_, i) => admit({ peerAddress: `h${i}` }));
      while (held.length < limits.concurrentHashes) await new Promise((resolve) => setImmediate(resolve));
      expect(await admit({ peerAddress: "late" })).toMatchObject({ outcome: "deny", reasonCode: 0x89 });
      for (const release of held) release();
      for (const admitted of await Promise.all(running)) expect(admitted.outcome).toBe("allow");
    } finally {
      crypto.subtle.deriveBits = deriveBits;
    }
    expect((await admit({ peerAddress: "later" })).outcome).toBe("allow");
  });

  it("a derivation that was cancelled with its request gives its place back after a while", async () => {
    const { clock, admit } = await setUp("password");
    await admit({ password: bytes("wrong"), peerAddress: "z" });
    const { deriveBits } = crypto.subtle;
    let started = 0;
    crypto.subtle.deriveBits = () => {
      started += 1;
      return new Promise(() => {});
    };
    for (let i = 0; i < limits.concurrentHashes; i++) void admit({ peerAddress: `h${i}` });
    while (started < limits.concurrentHashes) await new Promise((resolve) => setImmediate(resolve));
    crypto.subtle.deriveBits = deriveBits;
    expect(await admit({ peerAddress: "late" })).toMatchObject({ reasonCode: 0x89 });
    clock.now += 5_000;
    expect((await admit({ peerAddress: "late" })).outcome).toBe("allow");
  });
});
