// SCRAM-SHA-256: RFC 7677's example word for word, what a client may and may not say, and how an exchange ends.

import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import type { DeploymentId } from "../../../src/contracts/deployment-id.ts";
import type { ScramVerifier, Verifier } from "../../../src/contracts/principal.ts";
import { makeDeviceVerifier, makeGeneratedVerifier, makePasswordVerifier } from "../../../src/platform/secrets.ts";
import type { Identity } from "../../../src/worker/authenticate/authenticator.ts";
import { ScramExchange } from "../../../src/worker/authenticate/scram-exchange.ts";
import { readClientFirst, ScramServer } from "../../../src/worker/authenticate/scram.ts";
import { ScramClient } from "./scram-client.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("RFC 7677 section 3", () => {
  const CLIENT_NONCE = "rOprNGfwEbeRWgbNEkqO";
  const SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  /** Of "pencil" under the example's salt. */
  const verifier: ScramVerifier = {
    type: "scram-sha-256",
    salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
    iterations: 4_096,
    storedKey: "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
    serverKey: "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  };
  const final = (nonce: string, proof = PROOF, binding = "biws") => bytes(`c=${binding},r=${nonce},p=${proof}`);

  function server(): ScramServer {
    const client = readClientFirst(bytes(`n,,n=user,r=${CLIENT_NONCE}`));
    if (client === null) throw new Error("not read");
    return new ScramServer(client, verifier, SERVER_NONCE);
  }

  it("is spoken word for word", async () => {
    const exchange = server();
    expect(exchange.first).toBe(`r=${CLIENT_NONCE}${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
    expect(await exchange.finish(final(CLIENT_NONCE + SERVER_NONCE))).toBe(
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    );
  });

  it.each([
    ["another nonce", final(CLIENT_NONCE)],
    ["another proof", final(CLIENT_NONCE + SERVER_NONCE, PROOF.replace("d", "e"))],
    ["a proof that is short", final(CLIENT_NONCE + SERVER_NONCE, "dHzb")],
    ["a proof that is no base64", final(CLIENT_NONCE + SERVER_NONCE, "=dHzb")],
    ["another GS2 header", final(CLIENT_NONCE + SERVER_NONCE, PROOF, "eSws")],
    ["nothing", bytes("")],
    ["what is no UTF-8", Uint8Array.of(0xff)],
    ["more than a message may have", bytes(`c=biws,r=${"x".repeat(5_000)},p=${PROOF}`)],
  ])("%s proves nothing", async (_what, message) => {
    expect(await server().finish(message)).toBeNull();
  });
});

describe("the client's first message", () => {
  it.each([
    ["n,,n=user,r=abc", "user", "n,,"],
    ["y,,n=user,r=abc", "user", "y,,"],
    ["n,a=user,n=user,r=abc", "user", "n,a=user,"],
    ["n,,n=a=2Cb=3Dc,r=abc", "a,b=c", "n,,"],
    ["n,,n=user,r=abc,x=more", "user", "n,,"],
    ["n,a=IX,n=I\u00adX,r=abc", "I\u00adX", "n,a=IX,"],
  ])("%s is of the user %s", (message, username, gs2Header) => {
    expect(readClientFirst(bytes(message))).toMatchObject({ username, gs2Header, nonce: "abc" });
  });

  it.each([
    ["channel binding", "p=tls-exporter,,n=user,r=abc"],
    ["another authorisation identity", "n,a=other,n=user,r=abc"],
    ["a mandatory extension", "n,,m=x,n=user,r=abc"],
    ["no user", "n,,n=,r=abc"],
    ["no nonce", "n,,n=user,r="],
    ["a nonce with a space", "n,,n=user,r=a b"],
    ["an escape that is none", "n,,n=a=2cb,r=abc"],
    ["no GS2 header", "n=user,r=abc"],
    ["nothing", ""],
    ["U+0000 in the name", "n,,n=a\0b,r=abc"],
    ["too much", `n,,n=user,r=${"x".repeat(5_000)}`],
  ])("%s is refused", (_what, message) => {
    expect(readClientFirst(bytes(message))).toBeNull();
  });
});

describe("an exchange", () => {
  const deploymentId = "d" as DeploymentId;
  const peerAddress = "192.0.2.1";
  const DENIED = { outcome: "denied", reasonCode: 0x86, reasonString: "wrong user name or password" };

  async function setUp(username: string | null = null) {
    const users = new Map<string, Verifier>([
      ["person", await makePasswordVerifier("pencil")],
      ["pump", await makeGeneratedVerifier("pencil")],
      ["valve", await makeDeviceVerifier("pencil")],
    ]);
    const asked: Identity[] = [];
    const refused: Identity[] = [];
    const begin = () =>
      new ScramExchange(
        {
          lookUp: async (who) => {
            asked.push(who);
            return { outcome: "found", verifier: users.get(who.username) ?? null };
          },
          refuse: (who) => refused.push(who),
        },
        { deploymentId, peerAddress, username, decoyKey: "a key for tests alone" },
      );
    return { begin, asked, refused, users };
  }

  async function challengeOf(exchange: ScramExchange, client: ScramClient): Promise<string> {
    const challenged = await exchange.challenge(client.first);
    if (challenged.outcome !== "challenge") throw new Error(challenged.reasonString);
    return challenged.data;
  }

  it.each([
    ["chose", "person"],
    ["was given", "valve"],
  ])("proves a client that %s its password to the server and the server to it", async (_how, username) => {
    const { begin, refused, users } = await setUp();
    const [exchange, client] = [begin(), new ScramClient(username, "pencil")];
    const answered = await exchange.answer(await client.final(await challengeOf(exchange, client)));
    if (answered.outcome !== "proven") throw new Error(answered.reasonString);
    expect(answered.data).toBe(client.serverFinal);
    expect(answered.proven).toEqual({ deploymentId, peerAddress, username, verifier: users.get(username) });
    expect(refused).toEqual([]);
  });

  it.each([
    ["a wrong password", "person"],
    ["a user that does not exist", "nobody"],
    ["a user whose secret is no password", "pump"],
  ])("[MQTT-4.13.2-1] %s: the same way to 0x86, counted", async (_what, username) => {
    const { begin, refused } = await setUp();
    const [exchange, client] = [begin(), new ScramClient(username, username === "person" ? "wrong" : "pencil")];
    const first = await challengeOf(exchange, client);
    expect(first).toMatch(/^r=[^,]+,s=[A-Za-z0-9+/]{22}==,i=100000$/);
    expect(await exchange.answer(await client.final(first))).toEqual(DENIED);
    expect(refused).toEqual([{ deploymentId, peerAddress, username }]);
  });

  it("a made-up salt is the same each time, and another for another user; nonces never repeat", async () => {
    const { begin } = await setUp();
    const ask = async (username: string) => {
      const said = await challengeOf(begin(), new ScramClient(username, "x"));
      return { nonce: said.split(",")[0], salt: said.split(",")[1] };
    };
    const [first, again, other] = [await ask("nobody"), await ask("nobody"), await ask("someone")];
    expect(first.salt).toBe(again.salt);
    expect(first.salt).not.toBe(other.salt);
    expect(first.nonce).not.toBe(again.nonce);
  });

  it("is about the user of CONNECT, and nobody is asked for another", async () => {
    const { begin, asked } = await setUp("person");
    expect((await begin().challenge(new ScramClient("other", "pencil").first)).outcome).toBe("denied");
    expect(asked).toEqual([]);
    expect((await begin().challenge(new ScramClient("person", "pencil").first)).outcome).toBe("challenge");
  });

  it("is about no user name that is longer than any can be, and nobody is asked", async () => {
    const { begin, asked } = await setUp();
    const { usernameBytes } = limits;
    expect((await begin().challenge(new ScramClient("u".repeat(usernameBytes), "x").first)).outcome).toBe("challenge");
    expect((await begin().challenge(new ScramClient("u".repeat(usernameBytes + 1), "x").first)).outcome).toBe("denied");
    expect(asked).toHaveLength(1);
  });

  it("without a first or a last message is denied", async () => {
    const { begin } = await setUp();
    expect((await begin().challenge(null)).outcome).toBe("denied");
    const exchange = begin();
    await challengeOf(exchange, new ScramClient("person", "pencil"));
    expect(await exchange.answer(null)).toEqual(DENIED);
  });
});
