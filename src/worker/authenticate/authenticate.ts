// Who may connect: what the edge asks before it attaches a client, over caches of this isolate. The caches hold values
// alone, since promises and stubs belong to one request.

import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import { deploymentObject } from "../../contracts/object-names.ts";
import type { Env } from "../../platform/env.ts";
import type { Admitted, Credentials, LookUp } from "./authenticator.ts";
import { Authenticator } from "./authenticator.ts";

const authenticator = new Authenticator(Date.now);

/** Judges a CONNECT (5.0 section 3.1): rates first, then the secret against what is cached, and before a refusal
 *  against a fresh look-up. Never throws. */
export function admit(env: Env, credentials: Credentials): Promise<Admitted> {
  return authenticator.admit(lookUpThrough(env, credentials.deploymentId), credentials);
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
