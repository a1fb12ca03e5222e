// The session and topic shards of a deployment, as the API calls them.

import { shardOfSlot, slotOfClientId, slotOfTopic } from "../../../broker/topics/slots.ts";
import { sessionShardObject, topicShardObject } from "../../../contracts/object-names.ts";
import type { SessionShardRpc, TopicShardRpc } from "../../../contracts/rpc.ts";
import type { ApiContext } from "../context.ts";

/** The shard that owns a client id. */
export function sessionShardOf(context: ApiContext, clientId: string): SessionShardRpc {
  return sessionShard(context, shardOfSlot(slotOfClientId(clientId), context.var.config.shards.session));
}

/** The shard through which a topic's messages enter: always the same, so that they keep their order. */
export function entryShardOf(context: ApiContext, topic: string): SessionShardRpc {
  return sessionShard(context, shardOfSlot(slotOfTopic(topic), context.var.config.shards.session));
}

export function sessionShards(context: ApiContext): SessionShardRpc[] {
  return Array.from({ length: context.var.config.shards.session }, (_, index) => sessionShard(context, index));
}

export function topicShards(context: ApiContext): TopicShardRpc[] {
  const { env, deploymentId } = context.env;
  return Array.from({ length: context.var.config.shards.topic }, (_, index) =>
    topicShardObject(env.TOPIC_SHARD, deploymentId, index),
  );
}

function sessionShard(context: ApiContext, index: number): SessionShardRpc {
  return sessionShardObject(context.env.env.SESSION_SHARD, context.env.deploymentId, index);
}
