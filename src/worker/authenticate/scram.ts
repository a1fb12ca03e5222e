// The server's side of SCRAM-SHA-256, RFC 5802 and RFC 7677, without channel binding: what the client says is read
// strictly, what the server says is computed. It knows no MQTT and asks nobody.

import { saslPrep } from "../../platform/sasl-prep.ts";
import { equal, fromBase64, hmac, sha256, toBase64, utf8 } from "../../platform/secrets.ts";
import type { ScramVerifier } from "../../contracts/principal.ts";

/** The client's first message. */
export interface ClientFirst {
  /** As it came: the client's last message repeats it. */
  readonly gs2Header: string;
  /** The message without that header. */
  readonly bare: string;
  readonly username: string;
  readonly nonce: string;
}

const MESSAGE_BYTES_MAX = 4_096;
const PROOF_BYTES = 32;
/** GS2 header without channel binding ("y": the client has it and thinks that the server has not), user, nonce,
 *  extensions that may be passed over. A mandatory one ("m=") fits nowhere. */
const CLIENT_FIRST = /^([ny],(?:a=([^,\0]+))?,)(n=([^,\0]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*)$/;
const CLIENT_FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*),p=([A-Za-z0-9+/=]+)$/;
const BAD_ESCAPE = /=(?!2C|3D)/;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null: it is none, wants channel binding, or asks to act for another user. */
export function readClientFirst(data: Uint8Array): ClientFirst | null {
  const [, gs2Header = "", authzid = null, bare = "", name = "", nonce = ""] = match(CLIENT_FIRST, data);
  const username = readName(name);
  if (bare === "" || username === null) return null;
  if (authzid !== null && !sameUser(readName(authzid), username)) return null;
  return { gs2Header, bare, username, nonce };
}

/** Whether both name the same user, RFC 5802 section 5.1. */
export function sameUser(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && equal(utf8(saslPrep(a)), utf8(saslPrep(b)));
}

/** One exchange, from the client's first message on. */
export class ScramServer {
  readonly #client: ClientFirst;
  readonly #verifier: ScramVerifier;
  readonly #nonce: string;
  /** The server's first message. */
  readonly first: string;

  /** `serverNonce`: printable ASCII without commas, never used before. */
  constructor(client: ClientFirst, verifier: ScramVerifier, serverNonce: string) {
    this.#client = client;
    this.#verifier = verifier;
    this.#nonce = client.nonce + serverNonce;
    this.first = `r=${this.#nonce},s=${verifier.salt},i=${verifier.iterations}`;
  }

  /** The server's last message to this last one of the client; null: the client did not prove that it knows the secret. */
  async finish(clientFinal: Uint8Array): Promise<string | null> {
    const [, withoutProof = "", binding = "", nonce = "", proofText = ""] = match(CLIENT_FINAL, clientFinal);
    const [bound, proof] = [decoded(binding), decoded(proofText)];
    if (bound === null || proof === null || proof.length !== PROOF_BYTES) return null;
    if (!equal(bound, utf8(this.#client.gs2Header)) || !equal(utf8(nonce), utf8(this.#nonce))) return null;
    const message = utf8(`${this.#client.bare},${this.first},${withoutProof}`);
    const storedKey = fromBase64(this.#verifier.storedKey);
    const signature = await hmac(storedKey, message);
    const clientKey = proof.map((byte, i) => byte ^ (signature[i] ?? 0));
    if (!equal(await sha256(clientKey), storedKey)) return null;
    return `v=${toBase64(await hmac(fromBase64(this.#verifier.serverKey), message))}`;
  }
}

/** What the pattern captured; nothing where the message does not fit. */
function match(pattern: RegExp, data: Uint8Array): (string | undefined)[] {
  if (data.length > MESSAGE_BYTES_MAX) return [];
  try {
    return pattern.exec(strictUtf8.decode(data)) ?? [];
  } catch {
    return [];
  }
}

/** A saslname, section 7; null: it has a "=" that stands for nothing. */
function readName(text: string): string | null {
  if (BAD_ESCAPE.test(text)) return null;
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function decoded(text: string) {
  try {
    return fromBase64(text);
  } catch {
    return null;
  }
}
