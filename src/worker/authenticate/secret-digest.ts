// Digests of passwords that were found right, so that a fleet with one password derives it once and not once a device.
// They live in this isolate's memory alone, under a key that is made there and never leaves it.

const KEY_BYTES = 32;

export class SecretDigest {
  /** Made at the first use: there is no randomness at the start of an isolate. */
  #key: Uint8Array | null = null;

  async of(secret: Uint8Array): Promise<string> {
    this.#key ??= crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    const keyed = new Uint8Array(2 * KEY_BYTES + secret.length);
    keyed.set(this.#key);
    keyed.set(secret, KEY_BYTES);
    // The key on both sides: what is between them cannot be extended.
    keyed.set(this.#key, KEY_BYTES + secret.length);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", keyed));
    return String.fromCharCode(...digest);
  }
}
