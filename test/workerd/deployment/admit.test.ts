// Admission at the edge against the real Deployment object and shards.

import { env } from "cloudflare:test";
import { expect, it } from "vitest";
import type { Env } from "../../../src/platform/env.ts";
import { makePasswordVerifier } from "../../../src/platform/secrets.ts";
import { admit, findConfig, forgetPrincipal, learnConfig } from "../../../src/worker/authenticate/authenticate.ts";
import { PASSWORD, user, valueOf, WholeDeployment } from "./deployment-client.ts";

const bindings = env as unknown as Env;
let made = 0;
const nextId = () => `a${++made}admit`;

function judge(deployment: WholeDeployment, username: string, password: string) {
  const { id: deploymentId } = deployment;
  const secret = new TextEncoder().encode(password);
  return admit(bindings, { deploymentId, username, password: secret, peerAddress: "192.0.2.1" });
}

it("lets in the first user, a user made a second ago, and nobody else", async () => {
  const deployment = await WholeDeployment.whole(nextId());
  expect(await judge(deployment, "first", PASSWORD)).toMatchObject({
    outcome: "allow",
    config: { version: 1 },
    principal: { username: "first", isSuperuser: false },
    revision: 0,
  });
  expect(await judge(deployment, "new", "x")).toMatchObject({ outcome: "deny", reasonCode: 0x86 });
  await deployment.object.addUser({ ...(await user("new", "")), verifier: await makePasswordVerifier("x") });
  expect((await judge(deployment, "new", "x")).outcome).toBe("allow");
  expect(await judge(await WholeDeployment.whole(nextId()), "new", "x")).toMatchObject({ reasonCode: 0x86 });
});

it("a removed user that an edge still holds is stopped by the shard, then by a fresh look", async () => {
  const deployment = await WholeDeployment.whole(nextId(), 4);
  const before = await judge(deployment, "first", PASSWORD);
  expect(valueOf(await deployment.object.removeUser("first")).everywhere).toBe(true);
  const cached = await judge(deployment, "first", PASSWORD);
  expect(cached).toEqual(before);
  const principalRevision = cached.outcome === "allow" ? cached.revision : -1;
  await expect(deployment.connect("c", { username: "first", principalRevision })).rejects.toThrow("409");
  forgetPrincipal(deployment.id, "first");
  expect(await judge(deployment, "first", PASSWORD)).toMatchObject({ outcome: "deny", reasonCode: 0x86 });
});

it("a new config is learnt from a shard, a deployment that is not there is told apart", async () => {
  const deployment = await WholeDeployment.whole(nextId());
  expect(await findConfig(bindings, deployment.id)).toMatchObject({ version: 1, status: "running" });
  await deployment.publish({ version: 2, status: "stopped" });
  const { config } = valueOf(await deployment.object.admit(null));
  learnConfig(deployment.id, config);
  expect(await judge(deployment, "first", PASSWORD)).toMatchObject({ outcome: "deny", reasonCode: 0x88 });
  const never = new WholeDeployment(nextId(), 1);
  expect(await findConfig(bindings, never.id)).toBeNull();
  expect(await judge(never, "first", PASSWORD)).toEqual({ outcome: "not_provisioned" });
});
