// A client's side of SCRAM-SHA-256 by the book (RFC 5802 section 3), independent of the server's.

const encoder = new TextEncoder();

export interface ScramClientOptions {
  gs2Header?: string;
  nonce?: string;
}

export class ScramClient {
  readonly #password: string;
  readonly #gs2Header: string;
  readonly #nonce: string;
  readonly #bare: string;
  /** What the server must say at the end; "" before the client's last message. */
  serverFinal = "";

  constructor(
    username: string,
    password: string,
    { gs2Header = "n,,", nonce = "abcdefghijkl" }: ScramClientOptions = {},
  ) {
    this.#password = password;
    this.#gs2Header = gs2Header;
    this.#nonce = nonce;
    this.#bare = `n=${username.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  }

  get first(): Uint8Array {
    return encoder.encode(this.#gs2Header + this.#bare);
  }

  /** The last message; throws if the server's first does not carry the nonce on. */
  async final(serverFirst: string): Promise<Uint8Array> {
    const [, nonce = "", salt = "", iterations = ""] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce)
      throw new Error(`not a server-first-message: ${serverFirst}`);
    const key = await crypto.subtle.importKey("raw", encoder.encode(this.#password), "PBKDF2", false, ["deriveBits"]);
    const derivation = { name: "PBKDF2", hash: "SHA-256", salt: bytesOf(salt), iterations: Number(iterations) };
    const salted = new Uint8Array(await crypto.subtle.deriveBits(derivation, key, 256));
    const clientKey = await hmac(salted, "Client Key");
    const storedKey = new Uint8Array(await crypto.subtle.digest("SHA-256", clientKey));
    const withoutProof = `c=${btoa(this.#gs2Header)},r=${nonce}`;
    const message = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = await hmac(storedKey, message);
    const proof = clientKey.map((byte, i) => byte ^ (signature[i] ?? 0));
    this.serverFinal = `v=${textOf(await hmac(await hmac(salted, "Server Key"), message))}`;
    return encoder.encode(`${withoutProof},p=${textOf(proof)}`);
  }
}

async function hmac(key: Uint8Array<ArrayBuffer>, data: string): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(data)));
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
