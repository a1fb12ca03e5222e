// Which deployment a request is for: by host, `{id}.{BASE_DOMAIN}/...`, or by path, `/d/{id}/...` on the service's own
// host. Ids are checked by their MAC before any object is touched.

import { BoundedCache } from "../broker/bounded-cache.ts";
import type { DeploymentId } from "../contracts/deployment-id.ts";
import { parseDeploymentId } from "../contracts/deployment-id.ts";

const KNOWN_IDS_MAX = 10_000;
/** Ids whose MAC was found right. */
const known = new BoundedCache<string, DeploymentId>(KNOWN_IDS_MAX);

export type Target =
  | { type: "deployment"; id: DeploymentId; path: string }
  /** It looks like a deployment's address, and is none. */
  | { type: "none" }
  /** The service's own host. */
  | { type: "service" };

/** `key` is the secret DEPLOYMENT_ID_KEY. */
export async function targetOf(url: URL, baseDomain: string, key: string): Promise<Target> {
  const suffix = `.${baseDomain}`;
  if (baseDomain !== "" && url.hostname.endsWith(suffix)) {
    return deployment(url.hostname.slice(0, -suffix.length), url.pathname, key);
  }
  if (!url.pathname.startsWith("/d/")) return { type: "service" };
  const idEnd = url.pathname.indexOf("/", "/d/".length);
  if (idEnd < 0) return { type: "none" };
  return deployment(url.pathname.slice("/d/".length, idEnd), url.pathname.slice(idEnd), key);
}

async function deployment(text: string, path: string, key: string): Promise<Target> {
  const id = known.get(text) ?? (await parseDeploymentId(text, key));
  if (id === null) return { type: "none" };
  known.set(text, id);
  return { type: "deployment", id, path };
}
