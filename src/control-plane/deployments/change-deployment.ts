// PATCH /api/deployments/{id}: another name, other settings, more or fewer shards, stop, start.

import { createRoute, z } from "@hono/zod-openapi";
import { and, isNull, sql } from "drizzle-orm";
import type { App, RequestContext } from "../context.ts";
import { deployments, type DeploymentRow } from "../db/schema/deployments.ts";
import { ApiError, errorResponses } from "../http/api-error.ts";
import { plans } from "../plans.ts";
import { askSharding } from "./ask-sharding.ts";
import { completeStep } from "./complete-step.ts";
import { configChange, type ShardsChange } from "./config-change.ts";
import { objectOf } from "./deployment-object.ts";
import { deploymentSchema, deploymentView } from "./deployment-view.ts";
import { findRow, isOwned } from "./find-deployment.ts";
import { deploymentParams, nameSchema, security } from "./inputs.ts";
import { settingsChangeSchema } from "./settings.ts";
import { growthOf, refuseShardsBeyondPlan, shardsInputSchema, type ShardsInput } from "./shards.ts";

const body = z
  .object({
    name: nameSchema.optional(),
    status: z
      .enum(["running", "stopped"])
      .optional()
      .openapi({ description: "`stopped` ends its clients and lets none connect; what is stored stays." }),
    settings: settingsChangeSchema.optional(),
    shards: shardsInputSchema.optional(),
  })
  .strict()
  .refine((change) => Object.values(change).some((value) => value !== undefined), "nothing to change");

const answer = z.object({ deployment: deploymentSchema });

const route = createRoute({
  method: "patch",
  path: "/api/deployments/{id}",
  tags: ["Deployments"],
  summary: "Rename, set, grow, shrink, stop or start a deployment",
  security,
  request: {
    params: deploymentParams,
    body: { required: true, content: { "application/json": { schema: body } } },
  },
  responses: {
    200: { description: "Changed.", content: { "application/json": { schema: answer } } },
    202: {
      description: "The change is stored but not everywhere in force yet.",
      content: { "application/json": { schema: answer } },
    },
    ...errorResponses(400, 401, 403, 404, 409, 413, 503),
  },
});

export function addChangeDeployment(app: App): void {
  app.openapi(route, async (context) => {
    const { id } = context.req.valid("param");
    const { name, status, settings, shards: asked } = context.req.valid("json");
    const before = await findRow(context, id);
    const shards = asked === undefined ? undefined : await shardsChange(context, before, asked);
    const [changed] = await context.var.database
      .update(deployments)
      .set({
        ...(name === undefined ? {} : { name }),
        ...configChange({ status, settings, shards }),
        updatedAt: sql`now()`,
      })
      .where(and(isOwned(context, id), isNull(deployments.deletedAt)))
      .returning();
    if (changed === undefined) throw new ApiError(409, "deleting", "The deployment is being deleted.");
    const row = (await completeStep(context, changed)) ?? changed;
    const inForce = row.publishedVersion >= row.configVersion;
    return context.json({ deployment: deploymentView(context.env, row) }, inForce ? 200 : 202);
  });
}

/** What is asked for, within the plan. Throws 403, and 503 if the deployment must tell how far it grew and does not. */
async function shardsChange(context: RequestContext, row: DeploymentRow, asked: ShardsInput): Promise<ShardsChange> {
  const plan = plans[context.var.account.plan];
  refuseShardsBeyondPlan(asked, plan);
  if (asked === "automatic") return { growth: growthOf(plan) };
  const named = asked.session !== undefined && asked.topic !== undefined;
  if (named || row.config.growth === undefined || row.deletedAt !== null) return { numbers: asked, grown: null };
  const sharding = await askSharding(context, row.id, objectOf(context, row));
  const grown = sharding && { session: sharding.session.wanted, topic: sharding.topic.wanted };
  return { numbers: asked, grown };
}
