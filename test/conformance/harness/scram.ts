// The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

export class ScramClient {
  readonly #password: string;
  readonly #nonce = randomBytes(18).toString("base64");
  readonly #bare: string;
  #expected = "";

  constructor(username: string, password: string) {
    this.#password = password;
    this.#bare = `n=${username.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${this.#nonce}`;
  }

  /** The first message. */
  first(): string {
    return `n,,${this.#bare}`;
  }

  /** The last message, which answers the server's first. */
  final(serverFirst: string): string {
    const {
      r = "",
      s = "",
      i = "",
    } = Object.fromEntries(serverFirst.split(",").map((each) => [each[0], each.slice(2)]));
    if (!r.startsWith(this.#nonce) || r === this.#nonce)
      throw new Error("the server's nonce does not continue the client's");
    const salted = pbkdf2Sync(this.#password, Buffer.from(s, "base64"), Number(i), 32, "sha256");
    const clientKey = hmac(salted, "Client Key");
    const withoutProof = `c=biws,r=${r}`;
    const signed = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = hmac(createHash("sha256").update(clientKey).digest(), signed);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
    this.#expected = `v=${hmac(hmac(salted, "Server Key"), signed).toString("base64")}`;
    return `${withoutProof},p=${Buffer.from(proof).toString("base64")}`;
  }

  /** What the server must say to show that it knows the password, too. */
  get serverFinal(): string {
    return this.#expected;
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
