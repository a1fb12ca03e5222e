// What an isolate remembers of deployments and their users, for `limits.principalCacheMs` at most. A user's entry counts
// only beside its deployment's: forgetting a deployment forgets its users.

import { BoundedCache } from "../../broker/bounded-cache.ts";
import { limits } from "../../broker/limits.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { serialOf } from "../../contracts/deployment-config.ts";
import type { Principal } from "../../contracts/principal.ts";
import type { Admission } from "../../contracts/rpc.ts";

const DEPLOYMENTS_MAX = 10_000;

export interface Known {
  config: DeploymentConfig;
  /** Null: no such user. */
  principal: Principal | null;
  revision: number;
  /** Digest of the password that was derived and found right; see Authenticator. */
  acceptedDigest: string | null;
}

interface DeploymentEntry {
  config: DeploymentConfig;
  learntAt: number;
  /** Tells the entries of its users from those of a forgotten predecessor. */
  epoch: number;
}

interface PrincipalEntry {
  principal: Principal;
  revision: number;
  acceptedDigest: string | null;
  learntAt: number;
  epoch: number;
}

export class PrincipalCache {
  readonly #deployments = new BoundedCache<string, DeploymentEntry>(DEPLOYMENTS_MAX);
  readonly #principals = new BoundedCache<string, PrincipalEntry>(limits.principalCacheEntries);
  #lastEpoch = 0;

  /** `maxAgeMs`: how old it may be. */
  config(deploymentId: string, now: number, maxAgeMs: number): DeploymentConfig | null {
    const entry = this.#deployments.get(deploymentId);
    return entry === undefined || now - entry.learntAt >= maxAgeMs ? null : entry.config;
  }

  /** Null: config or user are not cached. */
  find(deploymentId: string, username: string, now: number): Known | null {
    const deployment = this.#deployments.get(deploymentId);
    if (deployment === undefined || tooOld(deployment, now)) return null;
    const entry = this.#principals.get(keyOf(deploymentId, username));
    if (entry === undefined || entry.epoch !== deployment.epoch || tooOld(entry, now)) return null;
    const { principal, revision, acceptedDigest } = entry;
    return { config: deployment.config, principal, revision, acceptedDigest };
  }

  /** Keeps what a look-up answered and returns it; its config is the newer one of it and the cached. */
  learn(deploymentId: string, username: string | null, { config, lookup }: Admission, now: number): Known {
    const { config: newest, epoch } = this.learnConfig(deploymentId, config, now);
    const principal = lookup?.principal ?? null;
    const revision = lookup?.revision ?? 0;
    if (username !== null) {
      const key = keyOf(deploymentId, username);
      if (principal === null) this.#principals.delete(key);
      else this.#principals.set(key, { principal, revision, acceptedDigest: null, learntAt: now, epoch });
    }
    return { config: newest, principal, revision, acceptedDigest: null };
  }

  learnConfig(deploymentId: string, config: DeploymentConfig, now: number): DeploymentEntry {
    const known = this.#deployments.get(deploymentId);
    const newest = known !== undefined && serialOf(known.config) > serialOf(config) ? known.config : config;
    const entry = { config: newest, learntAt: now, epoch: known?.epoch ?? (this.#lastEpoch += 1) };
    this.#deployments.set(deploymentId, entry);
    return entry;
  }

  /** Remembers that a password of this digest was right for the user as it was at `revision`. */
  accepted(deploymentId: string, username: string, revision: number, digest: string): void {
    const entry = this.#principals.get(keyOf(deploymentId, username));
    if (entry !== undefined && entry.revision === revision) entry.acceptedDigest = digest;
  }

  forgetPrincipal(deploymentId: string, username: string): void {
    this.#principals.delete(keyOf(deploymentId, username));
  }

  forgetDeployment(deploymentId: string): void {
    this.#deployments.delete(deploymentId);
  }
}

function tooOld({ learntAt }: { learntAt: number }, now: number): boolean {
  return now - learntAt >= limits.principalCacheMs;
}

function keyOf(deploymentId: string, username: string): string {
  return `${deploymentId}/${username}`;
}
