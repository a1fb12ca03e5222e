// Who may connect: what the edge asks before it attaches a client, over caches of this isolate. The caches hold values
// alone, since promises and stubs belong to one request.

import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import { deploymentObject } from "../../contracts/object-names.ts";
import type { Env } from "../../platform/env.ts";
import type { Admitted, Credentials, Identity, LookUp, Proven } from "./authenticator.ts";
import { Authenticator } from "./authenticator.ts";
import { ScramExchange } from "./scram-exchange.ts";

const authenticator = new Authenticator(Date.now);

/** Judges a CONNECT (5.0 section 3.1): rates first, then the secret against what is cached, and before a refusal
 *  against a fresh look-up. Never throws. */
export function admit(env: Env, credentials: Credentials): Promise<Admitted> {
  return authenticator.admit(lookUpThrough(env, credentials.deploymentId), credentials);
}

/** Begins to find out by SCRAM who a client is (5.0 section 4.12); `username` null: it says so there alone. */
export function beginScram(
  env: Env,
  claim: { deploymentId: DeploymentId; peerAddress: string; username: string | null },
): ScramExchange {
  const lookUp = lookUpThrough(env, claim.deploymentId);
  const door = {
    lookUp: (who: Identity) => authenticator.lookUpVerifier(lookUp, who),
    refuse: (who: Identity) => authenticator.refuseUnproven(who),
  };
  return new ScramExchange(door, { ...claim, decoyKey: env.DEPLOYMENT_ID_KEY });
}

/** Lets in who has proved by SCRAM who it is, if nothing has changed since. Never throws. */
export function admitProven(env: Env, proven: Proven): Promise<Admitted> {
  return authenticator.admitProven(lookUpThrough(env, proven.deploymentId), proven);
}

/** The deployment's config, at most `limits.endpointCacheMs` old; null: it is not provisioned, or deleted. Throws
 *  when its object does not answer. */
export function findConfig(env: Env, deploymentId: DeploymentId): Promise<DeploymentConfig | null> {
  return authenticator.findConfig(lookUpThrough(env, deploymentId), deploymentId);
}

/** Drops what is cached of a user: for `principal` frames and for `Stale`. */
export function forgetPrincipal(deploymentId: DeploymentId, username: string): void {
  authenticator.forgetPrincipal(deploymentId, username);
}

/** Drops everything that is cached of a deployment: for a shard that says it is not provisioned. */
export function forgetDeployment(deploymentId: DeploymentId): void {
  authenticator.forgetDeployment(deploymentId);
}

/** Takes a config that a shard pushed; an older one than the cached changes nothing. */
export function learnConfig(deploymentId: DeploymentId, config: DeploymentConfig): void {
  authenticator.learnConfig(deploymentId, config);
}

function lookUpThrough(env: Env, deploymentId: DeploymentId): LookUp {
  return (username) => deploymentObject(env.DEPLOYMENT, deploymentId).admit(username);
}
