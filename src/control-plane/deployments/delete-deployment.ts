// DELETE /api/deployments/{id}: for ever, with all its data.

import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { App } from "../context.ts";
import { deployments } from "../db/schema/deployments.ts";
import { errorResponses } from "../http/api-error.ts";
import { completeStep } from "./complete-step.ts";
import { deploymentSchema, deploymentView } from "./deployment-view.ts";
import { findRow, isOwned, notFound } from "./find-deployment.ts";
import { deploymentParams, security } from "./inputs.ts";

const route = createRoute({
  method: "delete",
  path: "/api/deployments/{id}",
  tags: ["Deployments"],
  summary: "Delete a deployment and all its data",
  security,
  request: { params: deploymentParams },
  responses: {
    204: { description: "It is gone." },
    202: {
      description: "Its endpoint serves nobody any more; the last of its data is still being erased.",
      content: { "application/json": { schema: z.object({ deployment: deploymentSchema }) } },
    },
    ...errorResponses(401, 403, 404),
  },
});

export function addDeleteDeployment(app: App): void {
  app.openapi(route, async (context) => {
    const { id } = context.req.valid("param");
    await findRow(context, id);
    const [marked] = await context.var.database
      .update(deployments)
      .set({ deletedAt: sql`coalesce(${deployments.deletedAt}, now())`, updatedAt: sql`now()` })
      .where(isOwned(context, id))
      .returning();
    if (marked === undefined) throw notFound();
    const left = await completeStep(context, marked);
    if (left === null) return context.body(null, 204);
    return context.json({ deployment: deploymentView(context.env, left) }, 202);
  });
}
