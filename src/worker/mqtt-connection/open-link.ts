// Opens the link of a client at its session shard, and tells what the shard has to say to that.

import { slotOfClientId } from "../../broker/topics/slots.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { placementOf } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { Attach, Attached, Refused, Stale } from "../../contracts/link.ts";
import { ATTACH_HEADER, ATTACHED_HEADER, attachHeader, LINK_URL } from "../../contracts/link.ts";
import { sessionShardObject } from "../../contracts/object-names.ts";
import type { Env } from "../../platform/env.ts";
import { EdgeLink } from "./edge-link.ts";

export type Opened =
  | { outcome: "attached"; link: EdgeLink; sessionPresent: boolean; awaitingRelease: readonly number[] }
  | { outcome: "refused"; refused: Refused }
  | { outcome: "stale"; stale: Stale }
  | { outcome: "not_provisioned" }
  | { outcome: "unavailable" };

/** Opens the link of a client. Never throws. */
export async function openLink(
  env: Env,
  deploymentId: DeploymentId,
  config: DeploymentConfig,
  attach: Attach,
): Promise<Opened> {
  const index = placementOf(config).session.shardOf(slotOfClientId(attach.clientId));
  const headers = { Upgrade: "websocket", [ATTACH_HEADER]: attachHeader(attach) };
  try {
    const shard = sessionShardObject(env.SESSION_SHARD, deploymentId, index);
    const response = await shard.fetch(LINK_URL, { headers });
    switch (response.status) {
      case 101:
        return attached(response);
      case 403:
        return { outcome: "refused", refused: await response.json<Refused>() };
      case 404:
        return { outcome: "not_provisioned" };
      case 409:
        return { outcome: "stale", stale: await response.json<Stale>() };
      default:
        return { outcome: "unavailable" };
    }
  } catch {
    return { outcome: "unavailable" };
  }
}

function attached(response: Response): Opened {
  const { webSocket } = response;
  if (webSocket === null) return { outcome: "unavailable" };
  const header = response.headers.get(ATTACHED_HEADER);
  const { sessionPresent, awaitingRelease = [] }: Attached =
    header === null ? { v: 1, sessionPresent: false } : (JSON.parse(header) as Attached);
  return { outcome: "attached", link: new EdgeLink(webSocket), sessionPresent, awaitingRelease };
}
