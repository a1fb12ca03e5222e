// PATCH /api/deployments/{id}: another name, stop, start.

import { createRoute, z } from "@hono/zod-openapi";
import { and, isNull, sql } from "drizzle-orm";
import type { App } from "../context.ts";
import { deployments } from "../db/schema/deployments.ts";
import { ApiError, errorResponses } from "../http/api-error.ts";
import { completeStep } from "./complete-step.ts";
import { deploymentSchema, deploymentView } from "./deployment-view.ts";
import { findRow, isOwned } from "./find-deployment.ts";
import { deploymentParams, nameSchema, security } from "./inputs.ts";

const body = z
  .object({
    name: nameSchema.optional(),
    status: z
      .enum(["running", "stopped"])
      .optional()
      .openapi({ description: "`stopped` ends its clients and lets none connect; what is stored stays." }),
  })
  .strict()
  .refine((change) => change.name !== undefined || change.status !== undefined, "nothing to change");

const answer = z.object({ deployment: deploymentSchema });

const route = createRoute({
  method: "patch",
  path: "/api/deployments/{id}",
  tags: ["Deployments"],
  summary: "Rename, stop or start a deployment",
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
    ...errorResponses(400, 401, 403, 404, 409, 413),
  },
});

export function addChangeDeployment(app: App): void {
  app.openapi(route, async (context) => {
    const { id } = context.req.valid("param");
    const { name, status } = context.req.valid("json");
    await findRow(context, id);
    const [changed] = await context.var.database
      .update(deployments)
      .set({
        ...(name === undefined ? {} : { name }),
        ...(status === undefined ? {} : { status, configVersion: nextVersionUnless(status) }),
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

/** The next version, or the same if the deployment has that status already. */
function nextVersionUnless(status: "running" | "stopped") {
  return sql`CASE WHEN ${deployments.status} = ${status} THEN ${deployments.configVersion} ELSE ${deployments.configVersion} + 1 END`;
}
