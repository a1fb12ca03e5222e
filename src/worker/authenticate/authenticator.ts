// Judges credentials: a cached principal may allow, only a fresh one may refuse. Rates and the number of derivations
// at a time are bounded before anything slow is done; a wrong user and a wrong password cost and look the same.

import { KeyedBuckets } from "../../broker/access/keyed-buckets.ts";
import { limits } from "../../broker/limits.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { Verifier } from "../../contracts/principal.ts";
import type { Admission, NotProvisioned, Outcome } from "../../contracts/rpc.ts";
import { log } from "../../platform/log.ts";
import { verifySecret } from "../../platform/secrets.ts";
import { HashGate } from "./hash-gate.ts";
import type { Known } from "./principal-cache.ts";
import { PrincipalCache } from "./principal-cache.ts";
import { SecretDigest } from "./secret-digest.ts";

/** What a CONNECT says of who it is. */
export interface Credentials {
  deploymentId: DeploymentId;
  username: string | null;
  password: Uint8Array | null;
  /** The device's address, without port. */
  peerAddress: string;
}

/** Whom a client says that it is. */
export interface Identity {
  readonly deploymentId: DeploymentId;
  readonly username: string;
  /** The device's address, without port. */
  readonly peerAddress: string;
}

/** Who has proved, in an exchange of its own, to know the secret of this verifier. */
export interface Proven extends Identity {
  readonly verifier: Verifier;
}

/** `verifier` null: there is no such user. */
export type Looked = { outcome: "found"; verifier: Verifier | null } | Exclude<Admitted, { outcome: "allow" }>;

export type Admitted =
  | {
      outcome: "allow";
      config: DeploymentConfig;
      principal: { username: string; isSuperuser: boolean };
      /** Revision of users that this was judged by: `Attach.principalRevision`. */
      revision: number;
    }
  /** `reasonCode` for CONNACK. */
  | { outcome: "deny"; reasonCode: ReasonCode; reasonString: string }
  /** There is no such deployment, or no more. */
  | { outcome: "not_provisioned" };

/** Asks the Deployment object. */
export type LookUp = (username: string | null) => Promise<Outcome<Admission, NotProvisioned>>;

type Verdict = "right" | "wrong" | "busy";

/** For users that do not exist, so that they take as long as those that do. */
const DECOY: Verifier = {
  type: "scram-sha-256",
  salt: "AAAAAAAAAAAAAAAAAAAAAA==",
  iterations: 100_000,
  storedKey: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  serverKey: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
};

const rateExceeded = deny(reasonCodes.connectionRateExceeded, "too many connection attempts");
const busy = deny(reasonCodes.serverBusy, "too many connection attempts at a time");
const unavailable = deny(reasonCodes.serverUnavailable, "the deployment does not answer");
const stopped = deny(reasonCodes.serverUnavailable, "the deployment is stopped");
const wrong = deny(reasonCodes.badUserNameOrPassword, "wrong user name or password");

export class Authenticator {
  readonly #now: () => number;
  readonly #cache = new PrincipalCache();
  readonly #gate = new HashGate(limits.concurrentHashes);
  readonly #digest = new SecretDigest();
  readonly #connects = buckets(limits.connectsPerAddressPerSecond, limits.connectsPerAddressBurst);
  readonly #refusals = buckets(limits.refusalsPerAddressPerSecond, limits.refusalsPerAddressBurst);
  readonly #lookups = buckets(limits.lookupsPerDeploymentPerSecond, limits.lookupsPerDeploymentBurst);
  readonly #relookups = buckets(limits.relookupsPerUserPerSecond, limits.relookupsPerUserBurst);

  /** `now` gives epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Never throws: an object that does not answer is 0x88. */
  async admit(lookUp: LookUp, credentials: Credentials): Promise<Admitted> {
    const { deploymentId, username, peerAddress } = credentials;
    if (!this.#connects.take(peerAddress, this.#now())) return rateExceeded;
    const known = username === null ? null : this.#cache.find(deploymentId, username, this.#now());
    // A deployment that was stopped may run again: to refuse, a fresh look-up is wanted.
    const cached = known?.config.status === "running" ? known : null;
    if (cached !== null) {
      const verdict = await this.#verify(cached, credentials);
      if (verdict === "right") return allow(cached);
      if (verdict === "busy") return busy;
      if (!this.#relookups.take(`${deploymentId}/${username}`, this.#now())) return rateExceeded;
    }
    if (this.#refusals.spent(peerAddress, this.#now())) return rateExceeded;
    return this.#judgeAfresh(lookUp, credentials, cached);
  }

  /** A user's verifier, for an exchange. Always a fresh look-up: what is cached would answer sooner, and tell who exists.
   *  Never throws. */
  async lookUpVerifier(lookUp: LookUp, { deploymentId, username, peerAddress }: Identity): Promise<Looked> {
    if (!this.#connects.take(peerAddress, this.#now())) return rateExceeded;
    if (this.#refusals.spent(peerAddress, this.#now())) return rateExceeded;
    const known = await this.#lookUp(lookUp, deploymentId, username);
    if ("outcome" in known) return known;
    return { outcome: "found", verifier: known.principal?.verifier ?? null };
  }

  /** Counts an exchange that proved nothing. */
  refuseUnproven({ peerAddress }: Identity): void {
    this.#refusals.take(peerAddress, this.#now());
  }

  /** Lets in who has proved to know the secret, if it is the user's still. Never throws. */
  async admitProven(lookUp: LookUp, { deploymentId, username, verifier }: Proven): Promise<Admitted> {
    const cached = this.#cache.find(deploymentId, username, this.#now());
    if (cached?.config.status === "running" && hasVerifier(cached, verifier)) return allow(cached);
    const known = await this.#lookUp(lookUp, deploymentId, username);
    if ("outcome" in known) return known;
    return hasVerifier(known, verifier) ? allow(known) : wrong;
  }

  /** Throws when the look-up does. */
  async findConfig(lookUp: LookUp, deploymentId: DeploymentId): Promise<DeploymentConfig | null> {
    const cached = this.#cache.config(deploymentId, this.#now(), limits.endpointCacheMs);
    if (cached !== null) return cached;
    const answer = await withTimeout(lookUp(null));
    if (answer.ok) return this.#cache.learnConfig(deploymentId, answer.value.config, this.#now()).config;
    this.#cache.forgetDeployment(deploymentId);
    return null;
  }

  forgetPrincipal(deploymentId: DeploymentId, username: string): void {
    this.#cache.forgetPrincipal(deploymentId, username);
  }

  forgetDeployment(deploymentId: DeploymentId): void {
    this.#cache.forgetDeployment(deploymentId);
  }

  learnConfig(deploymentId: DeploymentId, config: DeploymentConfig): void {
    this.#cache.learnConfig(deploymentId, config, this.#now());
  }

  /** `refused`: what was cached, if it was just found not to fit. */
  async #judgeAfresh(lookUp: LookUp, credentials: Credentials, refused: Known | null): Promise<Admitted> {
    const { deploymentId, username, peerAddress } = credentials;
    const known = await this.#lookUp(lookUp, deploymentId, username);
    if ("outcome" in known) return known;
    const unchanged = refused !== null && sameVerifier(refused, known);
    const verdict = unchanged ? "wrong" : await this.#verify(known, credentials);
    if (verdict === "right") return allow(known);
    if (verdict === "busy") return busy;
    this.#refusals.take(peerAddress, this.#now());
    return wrong;
  }

  /** Of a deployment that runs; else why not. */
  async #lookUp(
    lookUp: LookUp,
    deploymentId: DeploymentId,
    username: string | null,
  ): Promise<Known | Exclude<Admitted, { outcome: "allow" }>> {
    if (!this.#lookups.take(deploymentId, this.#now())) return busy;
    let answer: Outcome<Admission, NotProvisioned>;
    try {
      answer = await withTimeout(lookUp(username));
    } catch (error) {
      log.warn("look-up of a principal failed", { deploymentId, error: String(error) });
      return unavailable;
    }
    if (!answer.ok) {
      this.#cache.forgetDeployment(deploymentId);
      return { outcome: "not_provisioned" };
    }
    const known = this.#cache.learn(deploymentId, username, answer.value, this.#now());
    return known.config.status === "stopped" ? stopped : known;
  }

  /** Derives at most once for each call, and always once before it says "wrong". */
  async #verify({ principal, revision, acceptedDigest }: Known, credentials: Credentials): Promise<Verdict> {
    const { deploymentId, username, password } = credentials;
    // Nobody connects without a name and a secret.
    if (username === null || password === null) return "wrong";
    if (principal?.verifier.type === "sha256" && (await verifySecret(principal.verifier, password))) return "right";
    const verifier = principal?.verifier.type === "scram-sha-256" ? principal.verifier : DECOY;
    const digest = await this.#digest.of(password);
    if (acceptedDigest !== null && acceptedDigest === digest) return "right";
    const ticket = this.#gate.enter(this.#now());
    if (ticket === null) return "busy";
    try {
      if (!(await verifySecret(verifier, password)) || verifier === DECOY) return "wrong";
    } finally {
      this.#gate.leave(ticket);
    }
    this.#cache.accepted(deploymentId, username, revision, digest);
    return "right";
  }
}

function allow({ config, principal, revision }: Known): Admitted {
  if (principal === null) throw new TypeError("allowed without a principal");
  const { username, isSuperuser } = principal;
  return { outcome: "allow", config, principal: { username, isSuperuser }, revision };
}

function deny(reasonCode: ReasonCode, reasonString: string): Exclude<Admitted, { outcome: "allow" }> {
  return { outcome: "deny", reasonCode, reasonString };
}

function buckets(tokensPerSecond: number, burst: number): KeyedBuckets {
  return new KeyedBuckets({ tokensPerSecond, burst, keysMax: limits.ratesFollowed });
}

function sameVerifier(a: Known, b: Known): boolean {
  return a.principal !== null && hasVerifier(b, a.principal.verifier);
}

function hasVerifier({ principal }: Known, verifier: Verifier): boolean {
  return JSON.stringify(principal?.verifier) === JSON.stringify(verifier);
}

async function withTimeout<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), limits.lookupTimeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}
