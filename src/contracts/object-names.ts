// How a deployment's objects are named and found. A name begins with the deployment's id, so no tenant can name
// another's object; only ids whose MAC was checked (deployment-id.ts) may come here.

import type { DeploymentId } from "./deployment-id.ts";
import { jurisdictionOf } from "./deployment-id.ts";
import type { DeploymentRpc, SessionShardRpc, TopicShardRpc } from "./rpc.ts";

interface Namespace<Stub> {
  getByName(name: string): Stub;
  jurisdiction(jurisdiction: "eu" | "fedramp"): Namespace<Stub>;
}

function within<Stub>(namespace: Namespace<Stub>, deploymentId: DeploymentId): Namespace<Stub> {
  const jurisdiction = jurisdictionOf(deploymentId);
  return jurisdiction === null ? namespace : namespace.jurisdiction(jurisdiction);
}

export function deploymentObject<Stub extends DeploymentRpc>(namespace: Namespace<Stub>, id: DeploymentId): Stub {
  return within(namespace, id).getByName(id);
}

/** `index` from 0, below the config's number of session shards. */
export function sessionShardObject<Stub extends SessionShardRpc>(
  namespace: Namespace<Stub>,
  id: DeploymentId,
  index: number,
): Stub {
  return within(namespace, id).getByName(`${id}/session/${index}`);
}

/** `index` from 0, below the config's number of topic shards. */
export function topicShardObject<Stub extends TopicShardRpc>(
  namespace: Namespace<Stub>,
  id: DeploymentId,
  index: number,
): Stub {
  return within(namespace, id).getByName(`${id}/topic/${index}`);
}
