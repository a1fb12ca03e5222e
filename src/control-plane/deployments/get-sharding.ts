// GET /api/deployments/{id}/shards: how far a deployment is in coming to the shards that it shall have.

import { createRoute, z } from "@hono/zod-openapi";
import type { Sharding } from "../../contracts/rpc.ts";
import type { App } from "../context.ts";
import { errorResponses } from "../http/api-error.ts";
import { askSharding } from "./ask-sharding.ts";
import { deploymentParams, security } from "./inputs.ts";
import { notReady, servingObject } from "./serving-object.ts";

const ofKindSchema = z
  .object({
    wanted: z.number().int().openapi({ description: "How many there shall be: as was set, or as it has grown." }),
    serving: z.number().int().openapi({ description: "How many serve any slots now." }),
    slotsToMove: z.number().int().openapi({
      description: "Slots, of 1,024, that are not yet at the shard that shall serve them; 0: none is left.",
    }),
  })
  .openapi("ShardsOfKind");

const movingSchema = z
  .object({
    kind: z.enum(["session", "topic"]),
    from: z.number().int().openapi({ description: "Number of the shard that gives slots away, from 0." }),
    to: z.number().int().openapi({ description: "Number of the shard that takes them." }),
    slots: z.number().int().openapi({ description: "How many slots move in this step." }),
    failed: z.number().int().openapi({ description: "Moves that were given up since the last that was made." }),
  })
  .openapi("MovingSlots");

const progressSchema = z
  .object({
    session: ofKindSchema,
    topic: ofKindSchema,
    moving: z.union([movingSchema, z.null()]).openapi({ description: "What moves at this moment; null: nothing." }),
    done: z.boolean().openapi({
      description: "Whether the last change is in force everywhere and all slots are where they shall be.",
    }),
  })
  .openapi("ShardsProgress");

const route = createRoute({
  method: "get",
  path: "/api/deployments/{id}/shards",
  tags: ["Deployments"],
  summary: "Read how many shards a deployment has, and what moves",
  description:
    "After a change of `shards`, or while it grows by itself, slots move from shard to shard, some at a time. Ask again until `done`.",
  security,
  request: { params: deploymentParams },
  responses: {
    200: {
      description: "The progress.",
      content: { "application/json": { schema: z.object({ shards: progressSchema }) } },
    },
    ...errorResponses(401, 404, 409, 503),
  },
});

export function addGetSharding(app: App): void {
  app.openapi(route, async (context) => {
    const { object, row } = await servingObject(context, context.req.valid("param").id);
    const sharding = await askSharding(context, row.id, object);
    if (sharding === null) throw notReady();
    // What the object was not told yet is not in its numbers.
    const told = row.publishedVersion >= row.configVersion;
    return context.json({ shards: progressView(sharding, told) }, 200);
  });
}

function progressView({ session, topic, moving }: Sharding, told: boolean): z.infer<typeof progressSchema> {
  const done = told && moving === null && session.slotsToMove === 0 && topic.slotsToMove === 0;
  return { session, topic, moving, done };
}
