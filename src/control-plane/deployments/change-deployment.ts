// PATCH /api/deployments/{id}: another name, other settings, stop, start.

import { createRoute, z } from "@hono/zod-openapi";
import type { SQL } from "drizzle-orm";
import { and, isNull, sql } from "drizzle-orm";
import type { App } from "../context.ts";
import { deployments } from "../db/schema/deployments.ts";
import { ApiError, errorResponses } from "../http/api-error.ts";
import { completeStep } from "./complete-step.ts";
import { deploymentSchema, deploymentView } from "./deployment-view.ts";
import { findRow, isOwned } from "./find-deployment.ts";
import { deploymentParams, nameSchema, security } from "./inputs.ts";
import { settingsChangeSchema } from "./settings.ts";

const body = z
  .object({
    name: nameSchema.optional(),
    status: z
      .enum(["running", "stopped"])
      .optional()
      .openapi({ description: "`stopped` ends its clients and lets none connect; what is stored stays." }),
    settings: settingsChangeSchema.optional(),
  })
  .strict()
  .refine(
    ({ name, status, settings }) => name !== undefined || status !== undefined || settings !== undefined,
    "nothing to change",
  );

const answer = z.object({ deployment: deploymentSchema });

const route = createRoute({
  method: "patch",
  path: "/api/deployments/{id}",
  tags: ["Deployments"],
  summary: "Rename, set, stop or start a deployment",
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
    const { name, ...change } = context.req.valid("json");
    await findRow(context, id);
    const [changed] = await context.var.database
      .update(deployments)
      .set({ ...(name === undefined ? {} : { name }), ...configChange(change), updatedAt: sql`now()` })
      .where(and(isOwned(context, id), isNull(deployments.deletedAt)))
      .returning();
    if (changed === undefined) throw new ApiError(409, "deleting", "The deployment is being deleted.");
    const row = (await completeStep(context, changed)) ?? changed;
    const inForce = row.publishedVersion >= row.configVersion;
    return context.json({ deployment: deploymentView(context.env, row) }, inForce ? 200 : 202);
  });
}

/** The columns of what the data plane is told: with the next version, or with the same if nothing of it changes. */
function configChange({ status, settings }: Pick<z.infer<typeof body>, "status" | "settings">) {
  const columns: SQL[] = [];
  const set: { status?: typeof status; config?: SQL } = {};
  if (status !== undefined) {
    set.status = status;
    columns.push(sql`${deployments.status} = ${status}`);
  }
  if (settings !== undefined) {
    const config = sql`jsonb_set(${deployments.config}, '{settings}', (${deployments.config} -> 'settings') || ${JSON.stringify(settings)}::jsonb)`;
    set.config = config;
    columns.push(sql`${deployments.config} = ${config}`);
  }
  if (columns.length === 0) return {};
  const same = sql.join(columns, sql` AND `);
  const version = deployments.configVersion;
  return { ...set, configVersion: sql`CASE WHEN ${same} THEN ${version} ELSE ${version} + 1 END` };
}
