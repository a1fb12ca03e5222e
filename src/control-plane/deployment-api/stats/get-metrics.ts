// GET /metrics: what the deployment's shards have counted, by EMQX's names where there is one, as the one node that it is.
// Each shard counts since it last woke without its memory.

import { createRoute, z } from "@hono/zod-openapi";
import type { SessionShardStats } from "../../../contracts/rpc.ts";
import type { Api, ApiContext } from "../context.ts";
import { failures } from "../http/api-failure.ts";
import { ask } from "../http/ask.ts";
import { booleanQuery } from "../http/paging.ts";
import { sessionShards, topicShards } from "../http/shards.ts";

/** The names of why one session did not get a message. */
const deliveryReasons = {
  "delivery.dropped.queue_full": "queue_full",
  "delivery.dropped.qos0_msg": "qos0_offline",
  "delivery.dropped.slow_client": "no_credit",
  "delivery.dropped.expired": "expired",
  "delivery.dropped.too_large": "too_large",
} as const;

/** The names of why nobody got a message. */
const messageReasons = {
  "messages.dropped.inbound_full": "inbound_full",
  "messages.dropped.outbox_full": "outbox_full",
} as const;

const names = [
  "messages.received",
  "messages.sent",
  "messages.dropped",
  ...keysOf(messageReasons),
  "messages.dropped.between_shards",
  "messages.refused",
  "delivery.dropped",
  ...keysOf(deliveryReasons),
  "connections.refused",
] as const;

type Metrics = Record<(typeof names)[number], number>;

const metricsSchema = z
  .object(Object.fromEntries(names.map((name) => [name, z.number()])) as Record<keyof Metrics, z.ZodNumber>)
  .openapi("Metrics");

const route = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["Stats"],
  summary: "Messages that were taken, given, dropped and refused, with the reasons, and connections that were refused",
  request: { query: z.object({ aggregate: booleanQuery.default(false) }) },
  responses: {
    200: {
      description: "An array with the deployment as its one node; with `aggregate=true` the counts alone.",
      content: {
        "application/json": { schema: z.union([z.array(metricsSchema.extend({ node: z.string() })), metricsSchema]) },
      },
    },
    ...failures(400),
  },
});

export function addGetMetrics(app: Api): void {
  app.openapi(route, async (context) => {
    const metrics = await count(context);
    if (context.req.valid("query").aggregate) return context.json(metrics, 200);
    return context.json([{ node: context.env.deploymentId as string, ...metrics }], 200);
  });
}

async function count(context: ApiContext): Promise<Metrics> {
  const [ofSessions, ofTopics] = await Promise.all([
    Promise.all(sessionShards(context).map((shard) => ask(context, () => shard.stats()))),
    Promise.all(topicShards(context).map((shard) => ask(context, () => shard.stats()))),
  ]);
  const metrics = Object.fromEntries(names.map((name) => [name, 0])) as Metrics;
  for (const stats of ofSessions) addSessionShard(metrics, stats);
  for (const { dropped } of ofTopics) {
    metrics["messages.dropped.between_shards"] += dropped;
    metrics["messages.dropped"] += dropped;
  }
  return metrics;
}

function addSessionShard(metrics: Metrics, stats: SessionShardStats): void {
  const { droppedByReason } = stats;
  metrics["messages.received"] += stats.messagesReceived;
  metrics["messages.sent"] += stats.messagesSent;
  metrics["messages.refused"] += stats.messagesRefused;
  metrics["connections.refused"] += stats.connectionsRefused;
  for (const name of keysOf(messageReasons)) {
    const dropped = droppedByReason[messageReasons[name]] ?? 0;
    metrics[name] += dropped;
    metrics["messages.dropped"] += dropped;
  }
  for (const name of keysOf(deliveryReasons)) {
    const dropped = droppedByReason[deliveryReasons[name]] ?? 0;
    metrics[name] += dropped;
    metrics["delivery.dropped"] += dropped;
  }
}

function keysOf<Name extends string>(reasons: Readonly<Record<Name, string>>): Name[] {
  return Object.keys(reasons) as Name[];
}
