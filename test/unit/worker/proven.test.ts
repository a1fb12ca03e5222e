// Who has proved by an exchange who it is: what is looked up for it, what bounds it, and what may change meanwhile.

import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import type { DeploymentId } from "../../../src/contracts/deployment-id.ts";
import type { Verifier } from "../../../src/contracts/principal.ts";
import type { LookUp } from "../../../src/worker/authenticate/authenticator.ts";
import { Authenticator } from "../../../src/worker/authenticate/authenticator.ts";
import { config } from "./connecting.ts";

const who = { deploymentId: "d" as DeploymentId, username: "person", peerAddress: "192.0.2.1" };

function verifierOf(salt: string): Verifier {
  return { type: "scram-sha-256", salt, iterations: 4_096, storedKey: "AA==", serverKey: "AA==" };
}

function setUp() {
  const origin = {
    verifier: verifierOf("AAAA") as Verifier | null,
    status: "running" as "running" | "stopped",
    asked: 0,
  };
  const lookUp: LookUp = (username) => {
    origin.asked += 1;
    const { verifier } = origin;
    const principal = verifier === null || username === null ? null : { username, isSuperuser: false, verifier };
    return Promise.resolve({
      ok: true,
      value: { config: { ...config(), status: origin.status }, lookup: { revision: 7, principal } },
    });
  };
  const authenticator = new Authenticator(() => 1_000_000);
  return { origin, lookUp, authenticator };
}

it("its verifier is looked up afresh each time, so that it takes as long as for nobody", async () => {
  const { origin, lookUp, authenticator } = setUp();
  for (let i = 1; i <= 3; i++) {
    expect(await authenticator.lookUpVerifier(lookUp, who)).toEqual({ outcome: "found", verifier: origin.verifier });
    expect(origin.asked).toBe(i);
  }
  origin.verifier = null;
  expect(await authenticator.lookUpVerifier(lookUp, who)).toEqual({ outcome: "found", verifier: null });
  origin.status = "stopped";
  expect(await authenticator.lookUpVerifier(lookUp, who)).toMatchObject({ reasonCode: reasonCodes.serverUnavailable });
});

it("it is let in by the verifier that it proved to know, and by no other", async () => {
  const { origin, lookUp, authenticator } = setUp();
  const proven = { ...who, verifier: verifierOf("AAAA") };
  await authenticator.lookUpVerifier(lookUp, who);
  expect(await authenticator.admitProven(lookUp, proven)).toMatchObject({ outcome: "allow", revision: 7 });
  expect(origin.asked).toBe(1);
  origin.verifier = verifierOf("BBBB");
  authenticator.forgetPrincipal(who.deploymentId, who.username);
  expect(await authenticator.admitProven(lookUp, proven)).toMatchObject({
    outcome: "deny",
    reasonCode: reasonCodes.badUserNameOrPassword,
  });
});

it("wrong proofs of an address are bounded as wrong passwords are, before anything is looked up", async () => {
  const { origin, lookUp, authenticator } = setUp();
  for (let i = 0; i <= limits.refusalsPerAddressBurst; i++) authenticator.refuseUnproven(who);
  expect(await authenticator.lookUpVerifier(lookUp, who)).toMatchObject({
    outcome: "deny",
    reasonCode: reasonCodes.connectionRateExceeded,
  });
  expect(origin.asked).toBe(0);
  const elsewhere = { ...who, peerAddress: "192.0.2.2" };
  expect((await authenticator.lookUpVerifier(lookUp, elsewhere)).outcome).toBe("found");
});
