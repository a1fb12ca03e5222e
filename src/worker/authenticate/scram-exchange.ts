// One SCRAM exchange with a device: whose verifier it is about, and what comes of it. A user that does not exist, or has
// no verifier for it, goes the same way to the same end as one with a wrong password.

import { limits } from "../../broker/limits.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { ScramVerifier, Verifier } from "../../contracts/principal.ts";
import { hmac, PASSWORD_ITERATIONS, randomBytes, SALT_BYTES, toBase64, utf8 } from "../../platform/secrets.ts";
import type { Identity, Looked, Proven } from "./authenticator.ts";
import type { ClientFirst } from "./scram.ts";
import { readClientFirst, sameUser, ScramServer } from "./scram.ts";

/** The only authentication method, RFC 7677. */
export const SCRAM_SHA_256 = "SCRAM-SHA-256";

const NONCE_BYTES = 18;

/** Who is asked. */
export interface ScramDoor {
  lookUp(who: Identity): Promise<Looked>;
  /** Counts a proof that was wrong. */
  refuse(who: Identity): void;
}

export interface ScramClaim {
  readonly deploymentId: DeploymentId;
  readonly peerAddress: string;
  /** Whom the exchange must be about; null: whom it says. */
  readonly username: string | null;
  /** A secret of the service: made-up salts follow from it. */
  readonly decoyKey: string;
}

export type Denied = { outcome: "denied"; reasonCode: ReasonCode; reasonString: string };
export type Challenged = { outcome: "challenge"; data: string } | Denied;
/** `data`: the server's last message, which proves the server to the client. */
export type Answered = { outcome: "proven"; proven: Proven; data: string } | Denied;

const wrong = denied(reasonCodes.badUserNameOrPassword, "wrong user name or password");

export class ScramExchange {
  readonly #door: ScramDoor;
  readonly #claim: ScramClaim;
  /** Null until the client has been challenged. */
  #challenged: { server: ScramServer; who: Identity; verifier: Verifier | null } | null = null;

  constructor(door: ScramDoor, claim: ScramClaim) {
    this.#door = door;
    this.#claim = claim;
  }

  /** To the client's first message; null: it sent none. Never throws but for a bug. */
  async challenge(data: Uint8Array | null): Promise<Challenged> {
    const { deploymentId, peerAddress, username } = this.#claim;
    const client = data === null ? null : readClientFirst(data);
    if (client === null || utf8(client.username).length > limits.usernameBytes)
      return denied(reasonCodes.badUserNameOrPassword, "no client-first-message that can be served");
    if (username !== null && !sameUser(username, client.username)) {
      return denied(reasonCodes.badUserNameOrPassword, "two different user names");
    }
    const who = { deploymentId, peerAddress, username: username ?? client.username };
    const looked = await this.#door.lookUp(who);
    if (looked.outcome === "deny") return denied(looked.reasonCode, looked.reasonString);
    if (looked.outcome === "not_provisioned") return denied(reasonCodes.serverUnavailable, "no such deployment");
    return this.#challenge(client, who, looked.verifier);
  }

  /** To the client's last message. Never throws but for a bug. */
  async answer(data: Uint8Array | null): Promise<Answered> {
    const challenged = this.#challenged;
    this.#challenged = null;
    if (challenged === null) throw new TypeError("an answer without a challenge");
    const { server, who, verifier } = challenged;
    const final = data === null ? null : await server.finish(data);
    if (final !== null && verifier !== null) return { outcome: "proven", proven: { ...who, verifier }, data: final };
    this.#door.refuse(who);
    return wrong;
  }

  async #challenge(client: ClientFirst, who: Identity, verifier: Verifier | null): Promise<Challenged> {
    const own = verifier === null ? null : scramOf(verifier);
    const decoy = await decoyOf(this.#claim.decoyKey, who);
    const server = new ScramServer(client, own ?? decoy, toBase64(randomBytes(NONCE_BYTES)));
    this.#challenged = { server, who, verifier: own === null ? null : verifier };
    return { outcome: "challenge", data: server.first };
  }
}

/** Null: its secret cannot be proved so. */
function scramOf(verifier: Verifier): ScramVerifier | null {
  return verifier.type === "scram-sha-256" ? verifier : (verifier.scram ?? null);
}

/** The same for a user name whenever it is asked for, as a real one's is. */
async function decoyOf(key: string, { deploymentId, username }: Identity): Promise<ScramVerifier> {
  const bytes = await hmac(utf8(key), utf8(`scram decoy\n${deploymentId}\n${username}`));
  const salt = toBase64(bytes.slice(0, SALT_BYTES));
  const unknown = toBase64(bytes);
  return { type: "scram-sha-256", salt, iterations: PASSWORD_ITERATIONS, storedKey: unknown, serverKey: unknown };
}

function denied(reasonCode: ReasonCode, reasonString: string): Denied {
  return { outcome: "denied", reasonCode, reasonString };
}
