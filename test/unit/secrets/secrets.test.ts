import { expect, it } from "vitest";
import { verifierSchema } from "../../../src/contracts/principal.ts";
import {
  makeDeviceVerifier,
  makeGeneratedVerifier,
  makePasswordVerifier,
  randomName,
  randomSecret,
  verifySecret,
} from "../../../src/platform/secrets.ts";

it("RFC 7677 section 3: the published example's password verifies against its salt and iterations", async () => {
  // The example's salt, its 4,096 iterations, and the keys that follow from user "user" with password "pencil".
  const verifier = verifierSchema.parse({
    type: "scram-sha-256",
    salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
    iterations: 4_096,
    storedKey: "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
    serverKey: "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  });
  expect(await verifySecret(verifier, "pencil")).toBe(true);
  expect(await verifySecret(verifier, new TextEncoder().encode("pencil"))).toBe(true);
  expect(await verifySecret(verifier, "pencils")).toBe(false);
});

it.each([
  ["generated", makeGeneratedVerifier],
  ["device's generated", makeDeviceVerifier],
])("a %s secret verifies, as text and as bytes; any other does not", async (_kind, make) => {
  const secret = randomSecret();
  const verifier = await make(secret);
  expect(verifier.type).toBe("sha256");
  expect(verifierSchema.safeParse(verifier).success).toBe(true);
  expect(await verifySecret(verifier, secret)).toBe(true);
  expect(await verifySecret(verifier, new TextEncoder().encode(secret))).toBe(true);
  expect(await verifySecret(verifier, randomSecret())).toBe(false);
  expect(await verifySecret(verifier, "")).toBe(false);
  expect(await verifySecret(verifier, `${secret} `)).toBe(false);
});

it("a verifier holds neither the secret nor anything that two users of one password share", async () => {
  const [first, second] = [await makePasswordVerifier("correct horse"), await makePasswordVerifier("correct horse")];
  expect(JSON.stringify(first)).not.toContain("correct horse");
  expect(first).toMatchObject({ type: "scram-sha-256", iterations: 100_000 });
  expect(first.salt).not.toBe(second.salt);
  expect(first).not.toMatchObject({ storedKey: "storedKey" in second ? second.storedKey : "" });
  expect(verifierSchema.safeParse(first).success).toBe(true);
});

it.each([
  ["a soft hyphen becomes nothing", "I\u00adX", "IX"],
  ["case stays", "user", "user"],
  ["a compatibility character becomes its usual form", "\u00aa", "a"],
  ["a Roman numeral becomes letters", "\u2168", "IX"],
  ["a no-break space becomes a space", "a\u00a0b", "a b"],
  ["composed and decomposed are one", "e\u0301", "\u00e9"],
])("RFC 4013 section 3: %s", async (_name, written, prepared) => {
  expect(await verifySecret(await makePasswordVerifier(written), prepared)).toBe(true);
  expect(await verifySecret(await makePasswordVerifier(prepared), new TextEncoder().encode(written))).toBe(true);
});

it.each([
  ["case counts", "USER", "user"],
  ["a control character is taken as it is", "a\u0007b", "ab"],
  ["a password of soft hyphens alone is not empty", "\u00ad", ""],
])("RFC 4013 section 3: %s", async (_name, written, other) => {
  const verifier = await makePasswordVerifier(written);
  expect(await verifySecret(verifier, written)).toBe(true);
  expect(await verifySecret(verifier, other)).toBe(false);
});

it("a password that is not UTF-8 is refused without an error", async () => {
  const verifier = await makePasswordVerifier("secret");
  expect(await verifySecret(verifier, Uint8Array.of(0xff, 0xfe, 0x00))).toBe(false);
});

it("random secrets are 43 characters of base64url, random names as long as asked for, none twice", () => {
  const secrets = Array.from({ length: 1_000 }, () => randomSecret());
  const names = Array.from({ length: 1_000 }, () => randomName(16));
  for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
  for (const name of names) expect(name).toMatch(/^[a-km-np-z2-9]{16}$/);
  expect(new Set(secrets).size).toBe(1_000);
  expect(new Set(names).size).toBe(1_000);
});
