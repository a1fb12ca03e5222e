// HTTP Basic with an API key and its secret. What was found right is remembered for a moment by a digest, so that
// not every call asks the Deployment object; a removed key and a new config count after that time at the latest.

import { createMiddleware } from "hono/factory";
import { KeyedBuckets } from "../../../broker/access/keyed-buckets.ts";
import { BoundedCache } from "../../../broker/bounded-cache.ts";
import { limits } from "../../../broker/limits.ts";
import type { DeploymentConfig } from "../../../contracts/deployment-config.ts";
import { deploymentObject } from "../../../contracts/object-names.ts";
import { verifySecret } from "../../../platform/secrets.ts";
import type { ApiContext, ApiEnv } from "../context.ts";
import { ApiFailure } from "./api-failure.ts";
import { ask } from "./ask.ts";

const REMEMBERED_MAX = 1_000;
const HEADER_LENGTH_MAX = 1_024;
const KEY_SHAPE = /^[\w-]{1,128}$/;

/** Digests of deployment and credentials. */
const remembered = new BoundedCache<string, { config: DeploymentConfig; until: number }>(REMEMBERED_MAX);
const refusals = new KeyedBuckets({
  tokensPerSecond: limits.refusalsPerAddressPerSecond,
  burst: limits.refusalsPerAddressBurst,
  keysMax: limits.ratesFollowed,
});

/** Sets `config`. Throws 401 for wrong credentials, 429 after too many of them from one address. */
export const requireApiKey = createMiddleware<ApiEnv>(async (context, next) => {
  const { key, secret } = credentialsOf(context);
  const digest = await digestOf(`${context.env.deploymentId} ${key}:${secret}`);
  const now = Date.now();
  const known = remembered.get(digest);
  if (known !== undefined && now < known.until) {
    context.set("config", known.config);
  } else {
    const config = await check(context, key, secret);
    remembered.set(digest, { config, until: now + limits.endpointCacheMs });
    context.set("config", config);
  }
  await next();
});

async function check(context: ApiContext, key: string, secret: string): Promise<DeploymentConfig> {
  const { env, deploymentId, peerAddress } = context.env;
  if (refusals.spent(peerAddress, Date.now())) {
    throw new ApiFailure(429, "TOO_MANY_REQUESTS", "Too many wrong API keys from this address.");
  }
  const object = deploymentObject(env.DEPLOYMENT, deploymentId);
  const [record, admission] = await Promise.all([
    ask(context, () => object.findApiKey(key)),
    ask(context, () => object.admit(null)),
  ]);
  if (record === null || !(await verifySecret(record.verifier, secret))) {
    refusals.take(peerAddress, Date.now());
    throw new ApiFailure(401, "BAD_API_KEY_OR_SECRET", "Check the API key and its secret.");
  }
  return admission.config;
}

function credentialsOf(context: ApiContext): { key: string; secret: string } {
  const [scheme, value] = (context.req.header("Authorization") ?? "").slice(0, HEADER_LENGTH_MAX).split(" ");
  if (scheme?.toLowerCase() !== "basic" || value === undefined) {
    throw new ApiFailure(
      401,
      "AUTHORIZATION_HEADER_ERROR",
      "This API takes HTTP Basic with an API key and its secret.",
    );
  }
  const text = decode(value);
  const colon = text.indexOf(":");
  const key = text.slice(0, Math.max(0, colon));
  if (!KEY_SHAPE.test(key)) {
    throw new ApiFailure(401, "BAD_API_KEY_OR_SECRET", "Check the API key and its secret.");
  }
  return { key, secret: text.slice(colon + 1) };
}

/** Base64 of UTF-8; "" for anything else. */
function decode(value: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(value), (character) => character.charCodeAt(0)));
  } catch {
    return "";
  }
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return String.fromCharCode(...new Uint8Array(digest));
}
