// A principal is who a device says it is: a deployment's user with a verifier of the secret, never the secret.
// Also API keys, which are checked the same way.

import { z } from "zod";

/** For people's passwords, RFC 5802 and RFC 7677. Base64 fields; `iterations` at most 100,000 (the platform's bound). */
const scramVerifierSchema = z.object({
  type: z.literal("scram-sha-256"),
  salt: z.base64(),
  iterations: z.number().int().min(4_096).max(100_000),
  storedKey: z.base64(),
  serverKey: z.base64(),
});

/** For secrets that we generate (256 random bits): SHA-256(salt || secret). Base64 fields. `scram`: for a client that proves
 *  to know it without sending it. */
const sha256VerifierSchema = z.object({
  type: z.literal("sha256"),
  salt: z.base64(),
  hash: z.base64(),
  scram: scramVerifierSchema.optional(),
});

export const verifierSchema = z.discriminatedUnion("type", [sha256VerifierSchema, scramVerifierSchema]);
export type Verifier = z.infer<typeof verifierSchema>;
export type GeneratedVerifier = z.infer<typeof sha256VerifierSchema>;
export type ScramVerifier = z.infer<typeof scramVerifierSchema>;

export interface Principal {
  username: string;
  isSuperuser: boolean;
  verifier: Verifier;
}

/** What the Deployment object knows of a user name at `revision`, its counter of changes to users. */
export interface PrincipalLookup {
  revision: number;
  principal: Principal | null;
}

/** An API key as it may be shown: the secret is never stored nor listed. */
export interface ApiKeyInfo {
  key: string;
  name: string;
  createdAt: number;
}

export interface ApiKeyRecord extends ApiKeyInfo {
  verifier: Verifier;
}
