// Secrets and their verifiers. What we generate has 256 random bits and needs no slow hash; people's passwords become
// SCRAM-SHA-256 verifiers (RFC 5802, RFC 7677). A secret is never kept; everything runs through WebCrypto.

import type { GeneratedVerifier, ScramVerifier, Verifier } from "../contracts/principal.ts";
import { saslPrep } from "./sasl-prep.ts";

/** The most that the platform's PBKDF2 allows. */
export const PASSWORD_ITERATIONS = 100_000;
export const SALT_BYTES = 16;
const SECRET_BYTES = 32;
/** 32 letters and digits that nobody mistakes for one another. */
const NAME_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const CLIENT_KEY = utf8("Client Key");
const SERVER_KEY = utf8("Server Key");

/** What WebCrypto takes under every runtime's types. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** For secrets of `randomSecret` alone: SHA-256 over salt and secret, which anything easier to guess would not survive. */
export async function makeGeneratedVerifier(secret: string): Promise<GeneratedVerifier> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await saltedHash(salt, utf8(secret));
  return { type: "sha256", salt: toBase64(salt), hash: toBase64(hash) };
}

/** For such a secret that a device may prove by SCRAM too. As slow to make as a password's, and as fast to verify as any that
 *  we generate. */
export async function makeDeviceVerifier(secret: string): Promise<GeneratedVerifier> {
  return { ...(await makeGeneratedVerifier(secret)), scram: await makePasswordVerifier(secret) };
}

/** For people's passwords: SCRAM-SHA-256 with StoredKey and ServerKey. Takes some 15 ms of CPU. */
export async function makePasswordVerifier(password: string): Promise<ScramVerifier> {
  const salt = randomBytes(SALT_BYTES);
  const salted = await saltedPassword(utf8(saslPrep(password)), salt, PASSWORD_ITERATIONS);
  return {
    type: "scram-sha-256",
    salt: toBase64(salt),
    iterations: PASSWORD_ITERATIONS,
    storedKey: toBase64(await sha256(await hmac(salted, CLIENT_KEY))),
    serverKey: toBase64(await hmac(salted, SERVER_KEY)),
  };
}

/** Whether this is the secret. Compares in constant time. As slow as the verifier is: some 15 ms of CPU for a password.
 *  Bytes that are UTF-8 are taken as the text that they are. */
export async function verifySecret(verifier: Verifier, secret: string | Uint8Array): Promise<boolean> {
  switch (verifier.type) {
    case "sha256": {
      const bytes = typeof secret === "string" ? utf8(secret) : copyOf(secret);
      return equal(await saltedHash(fromBase64(verifier.salt), bytes), fromBase64(verifier.hash));
    }
    case "scram-sha-256": {
      const salted = await saltedPassword(prepared(secret), fromBase64(verifier.salt), verifier.iterations);
      return equal(await sha256(await hmac(salted, CLIENT_KEY)), fromBase64(verifier.storedKey));
    }
    default:
      return verifier satisfies never;
  }
}

/** 256 random bits as 43 characters of base64url. */
export function randomSecret(): string {
  return toBase64(randomBytes(SECRET_BYTES)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** So many random lowercase letters and digits, five bits each: for names, not for secrets. */
export function randomName(length: number): string {
  let name = "";
  for (const byte of randomBytes(length)) name += NAME_ALPHABET.charAt(byte & 31);
  return name;
}

/** Whether both hold the same bytes; for equal lengths it takes the same time wherever they differ. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

function prepared(secret: string | Uint8Array): Bytes {
  if (typeof secret === "string") return utf8(saslPrep(secret));
  try {
    return utf8(saslPrep(strictDecoder.decode(secret)));
  } catch {
    return copyOf(secret);
  }
}

async function saltedPassword(password: Bytes, salt: Bytes, iterations: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 8 * SECRET_BYTES),
  );
}

async function saltedHash(salt: Bytes, secret: Bytes): Promise<Bytes> {
  const bytes = new Uint8Array(salt.length + secret.length);
  bytes.set(salt);
  bytes.set(secret, salt.length);
  return sha256(bytes);
}

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** HMAC with SHA-256. */
export async function hmac(key: Bytes, data: Bytes): Promise<Bytes> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

export function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count));
}

export function utf8(text: string): Bytes {
  return copyOf(encoder.encode(text));
}

function copyOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Throws for what is not base64. */
export function fromBase64(text: string): Bytes {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
