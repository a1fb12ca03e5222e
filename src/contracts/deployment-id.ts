// Ids of deployments: one letter for the region class, 16 random base32 characters, 8 of a MAC over both. Short,
// lowercase, a valid DNS label, unguessable, never reused. A made-up id fails the MAC before any object is touched.

export type DeploymentId = string & { readonly __brand: "DeploymentId" };

/** Region classes: `a` anywhere, `e` European Union, `f` FedRAMP. */
export const regions = { auto: "a", eu: "e", fedramp: "f" } as const;
export type Region = keyof typeof regions;

const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"; // 32 letters and digits without l, o, 0, 1
const SHAPE = /^[aef][a-km-np-z2-9]{24}$/;
const RANDOM_LENGTH = 16;
const MAC_LENGTH = 8;

/** Makes a new id. `key` is the secret DEPLOYMENT_ID_KEY; `random` gives that many random bytes. */
export async function makeDeploymentId(
  region: Region,
  key: string,
  random: (bytes: number) => Uint8Array,
): Promise<DeploymentId> {
  const head = regions[region] + letters(random(RANDOM_LENGTH), RANDOM_LENGTH);
  return (head + (await mac(head, key))) as DeploymentId;
}

/** The id, if its form and MAC are right, else null. Touches no object and takes the same time for any wrong MAC. */
export async function parseDeploymentId(text: string, key: string): Promise<DeploymentId | null> {
  if (!SHAPE.test(text)) return null;
  const head = text.slice(0, 1 + RANDOM_LENGTH);
  const expected = await mac(head, key);
  let difference = 0;
  for (let i = 0; i < MAC_LENGTH; i++) {
    difference |= expected.charCodeAt(i) ^ text.charCodeAt(head.length + i);
  }
  return difference === 0 ? (text as DeploymentId) : null;
}

/** The jurisdiction that the id's objects are bound to, or null. */
export function jurisdictionOf(id: DeploymentId): "eu" | "fedramp" | null {
  switch (id.charAt(0)) {
    case regions.eu:
      return "eu";
    case regions.fedramp:
      return "fedramp";
    default:
      return null;
  }
}

async function mac(head: string, key: string): Promise<string> {
  const utf8 = new TextEncoder();
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const cryptoKey = await crypto.subtle.importKey("raw", utf8.encode(key), hmac, false, ["sign"]);
  const digest = new Uint8Array(await crypto.subtle.sign("HMAC", cryptoKey, utf8.encode(`deployment:${head}`)));
  return letters(digest, MAC_LENGTH);
}

function letters(bytes: Uint8Array, count: number): string {
  let text = "";
  for (const byte of bytes.subarray(0, count)) text += ALPHABET.charAt(byte & 31);
  return text;
}
