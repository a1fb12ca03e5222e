// Secrets of a new deployment and of a new API key: 256 random bits each, shown once and kept as verifiers only.

import type { ApiKeyRecord } from "../../contracts/principal.ts";
import type { InitialCredentials } from "../../contracts/rpc.ts";
import { makeDeviceVerifier, makeGeneratedVerifier, randomName, randomSecret } from "../../platform/secrets.ts";

const KEY_LENGTH = 16;
const USER_SUFFIX_LENGTH = 8;

export interface MadeCredentials {
  /** To be shown. */
  credentials: { username: string; password: string };
  apiKey: { key: string; secret: string };
  /** To be kept. */
  initial: InitialCredentials;
}

/** The first user and the first API key of a deployment. */
export async function makeInitialCredentials(): Promise<MadeCredentials> {
  const username = `device-${randomName(USER_SUFFIX_LENGTH)}`;
  const password = randomSecret();
  const { record, secret } = await makeApiKey("first key");
  return {
    credentials: { username, password },
    apiKey: { key: record.key, secret },
    initial: {
      principal: { username, isSuperuser: false, verifier: await makeDeviceVerifier(password) },
      apiKey: record,
    },
  };
}

/** A new API key: the record to keep and the secret to show. */
export async function makeApiKey(name: string): Promise<{ record: ApiKeyRecord; secret: string }> {
  const key = randomName(KEY_LENGTH);
  const secret = randomSecret();
  const verifier = await makeGeneratedVerifier(secret);
  return { record: { key, name, createdAt: Date.now(), verifier }, secret };
}
