// The session and topic shards of a deployment, as the API calls them.

import { slotOfClientId, slotOfTopic } from "../../../broker/topics/slots.ts";
import { placementOf } from "../../../contracts/deployment-config.ts";
import { sessionShardObject, topicShardObject } from "../../../contracts/object-names.ts";
import type { SessionShardRpc, TopicShardRpc } from "../../../contracts/rpc.ts";
import type { ApiContext } from "../context.ts";

/** The shard that owns a client id. */
export function sessionShardOf(context: ApiContext, clientId: string): SessionShardRpc {
  return sessionShard(context, placementOf(context.var.config).session.shardOf(slotOfClientId(clientId)));
}

/** The shard through which a topic's messages enter: always the same, so that they keep their order. */
export function entryShardOf(context: ApiContext, topic: string): SessionShardRpc {
  return sessionShard(context, placementOf(context.var.config).session.shardOf(slotOfTopic(topic)));
}

export function sessionShards(context: ApiContext): SessionShardRpc[] {
  return placementOf(context.var.config).session.shards.map((index) => sessionShard(context, index));
}

export function topicShards(context: ApiContext): TopicShardRpc[] {
  const { env, deploymentId } = context.env;
  const { topic } = placementOf(context.var.config);
  return topic.shards.map((index) => topicShardObject(env.TOPIC_SHARD, deploymentId, index));
}

function sessionShard(context: ApiContext, index: number): SessionShardRpc {
  return sessionShardObject(context.env.env.SESSION_SHARD, context.env.deploymentId, index);
}
