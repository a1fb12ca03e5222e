// GET /api/deployments: the account's deployments, newest first, a page at a time.

import { createRoute, z } from "@hono/zod-openapi";
import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { App, RequestContext } from "../context.ts";
import { deployments, type DeploymentRow } from "../db/schema/deployments.ts";
import { errorResponses } from "../http/api-error.ts";
import { completeStep } from "./complete-step.ts";
import { deploymentSchema, deploymentView } from "./deployment-view.ts";
import { security } from "./inputs.ts";

/** Steps left undone that one listing makes; the rest waits for the next read. */
const STEPS_MAX = 5;

const query = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  after: z
    .string()
    .regex(/^[a-z0-9]{1,32}$/)
    .optional()
    .openapi({ description: "`next` of the page before." }),
});

const answer = z
  .object({
    deployments: z.array(deploymentSchema),
    next: z.string().nullable().openapi({ description: "Ask with `after` set to it; null at the end." }),
  })
  .openapi("DeploymentPage");

const route = createRoute({
  method: "get",
  path: "/api/deployments",
  tags: ["Deployments"],
  summary: "List deployments",
  security,
  request: { query },
  responses: {
    200: { description: "A page.", content: { "application/json": { schema: answer } } },
    ...errorResponses(400, 401),
  },
});

export function addListDeployments(app: App): void {
  app.openapi(route, async (context) => {
    const { limit, after } = context.req.valid("query");
    const rows = await readRows(context, limit + 1, after);
    const next = rows.length > limit ? (rows[limit - 1]?.id ?? null) : null;
    let steps = 0;
    const current = await Promise.all(
      rows.slice(0, limit).map((row) => (isDone(row) || ++steps > STEPS_MAX ? row : completeStep(context, row))),
    );
    const shown = current.filter((row) => row !== null).map((row) => deploymentView(context.env, row));
    return context.json({ deployments: shown, next }, 200);
  });
}

function isDone(row: DeploymentRow): boolean {
  return row.deletedAt === null && row.publishedVersion >= row.configVersion;
}

/** Rows behind the row named `after`, which may have been deleted meanwhile: its row stays. */
async function readRows(context: RequestContext, count: number, after: string | undefined): Promise<DeploymentRow[]> {
  const { account, database } = context.var;
  const behind =
    after === undefined
      ? undefined
      : sql`(${deployments.createdAt}, ${deployments.id}) < (
          SELECT created_at, id FROM deployment WHERE id = ${after} AND account_id = ${account.id}
        )`;
  return await database
    .select()
    .from(deployments)
    .where(and(eq(deployments.accountId, account.id), isNull(deployments.erasedAt), behind))
    .orderBy(desc(deployments.createdAt), desc(deployments.id))
    .limit(count);
}
