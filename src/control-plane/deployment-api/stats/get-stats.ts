// GET /stats: the deployment's counts by EMQX's names, as the one node that it is.

import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiContext } from "../context.ts";
import { failures } from "../http/api-failure.ts";
import { ask } from "../http/ask.ts";
import { booleanQuery } from "../http/paging.ts";
import { sessionShards, topicShards } from "../http/shards.ts";

const countsSchema = z
  .object({
    "channels.count": z.number(),
    "connections.count": z.number(),
    "live_connections.count": z.number(),
    "sessions.count": z.number(),
    "subscriptions.count": z.number(),
    "subscribers.count": z.number(),
    "suboptions.count": z.number(),
    "subscriptions.shared.count": z.number(),
    "topics.count": z.number(),
    "retained.count": z.number(),
  })
  .openapi("Stats");

const route = createRoute({
  method: "get",
  path: "/stats",
  tags: ["Stats"],
  summary: "Counts of connections, sessions, subscriptions, topics and retained messages",
  request: { query: z.object({ aggregate: booleanQuery.default(false) }) },
  responses: {
    200: {
      description: "An array with the deployment as its one node; with `aggregate=true` the counts alone.",
      content: {
        "application/json": {
          schema: z.union([z.array(countsSchema.extend({ node: z.string() })), countsSchema]),
        },
      },
    },
    ...failures(400),
  },
});

export function addGetStats(app: Api): void {
  app.openapi(route, async (context) => {
    const counts = await count(context);
    if (context.req.valid("query").aggregate) return context.json(counts, 200);
    return context.json([{ node: context.env.deploymentId as string, ...counts }], 200);
  });
}

async function count(context: ApiContext): Promise<z.infer<typeof countsSchema>> {
  const [ofSessions, ofTopics] = await Promise.all([
    Promise.all(sessionShards(context).map((shard) => ask(context, () => shard.stats()))),
    Promise.all(topicShards(context).map((shard) => ask(context, () => shard.stats()))),
  ]);
  const connections = sum(ofSessions.map((stats) => stats.connections));
  const sessions = sum(ofSessions.map((stats) => stats.sessions));
  const subscriptions = sum(ofSessions.map((stats) => stats.subscriptions));
  return {
    "channels.count": sessions,
    "connections.count": connections,
    "live_connections.count": connections,
    "sessions.count": sessions,
    "subscriptions.count": subscriptions,
    "subscribers.count": subscriptions,
    "suboptions.count": subscriptions,
    "subscriptions.shared.count": sum(ofSessions.map((stats) => stats.sharedSubscriptions)),
    "topics.count": sum(ofTopics.map((stats) => stats.topics)),
    "retained.count": sum(ofTopics.map((stats) => stats.retained)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
