// The deployment that a path names, for the account that asks. Another account's is as absent as one that never was.

import { and, eq, isNull } from "drizzle-orm";
import { parseDeploymentId } from "../../contracts/deployment-id.ts";
import type { RequestContext } from "../context.ts";
import { deployments, type DeploymentRow } from "../db/schema/deployments.ts";
import { ApiError } from "../http/api-error.ts";
import { completeStep } from "./complete-step.ts";

/** The row, with the step that it still wanted made. Throws 404. */
export async function findDeployment(context: RequestContext, id: string): Promise<DeploymentRow> {
  const row = await completeStep(context, await findRow(context, id));
  if (row === null) throw notFound();
  return row;
}

/** The row as it stands. Throws 404. */
export async function findRow(context: RequestContext, id: string): Promise<DeploymentRow> {
  if ((await parseDeploymentId(id, context.env.DEPLOYMENT_ID_KEY)) === null) throw notFound();
  const [row] = await context.var.database.select().from(deployments).where(isOwned(context, id));
  if (row === undefined) throw notFound();
  return row;
}

/** The condition under which the asking account may see and change the deployment. */
export function isOwned(context: RequestContext, id: string) {
  return and(eq(deployments.id, id), eq(deployments.accountId, context.var.account.id), isNull(deployments.erasedAt));
}

export function notFound(): ApiError {
  return new ApiError(404, "not_found", "There is no such deployment.");
}
