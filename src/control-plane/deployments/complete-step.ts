// Brings the data plane to what a deployment's row says: idempotent steps, each told by versions. A step that fails
// leaves the row as it is, and the next read of the row, or the next change, makes it again.

import { and, eq, lt, sql } from "drizzle-orm";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { log } from "../../platform/log.ts";
import type { RequestContext } from "../context.ts";
import { deployments, type DeploymentRow } from "../db/schema/deployments.ts";
import { describeError } from "../http/describe-error.ts";
import { within } from "../within.ts";
import { objectOf } from "./deployment-object.ts";

/** A step that takes longer is left to the next read. */
const STEP_TIMEOUT_MS = 8_000;

/** Makes the step that the row still wants, if any, and returns the row as it then is; null once nothing is left of
 *  the deployment. Never throws for a data plane that does not answer: the row then shows what is not done. */
export async function completeStep(context: RequestContext, row: DeploymentRow): Promise<DeploymentRow | null> {
  try {
    if (row.deletedAt !== null) return await within(STEP_TIMEOUT_MS, erase(context, row));
    if (row.publishedVersion < row.configVersion) return await within(STEP_TIMEOUT_MS, publish(context, row));
  } catch (error) {
    log.error("deployment step failed", {
      requestId: context.var.requestId,
      deploymentId: row.id,
      error: describeError(error),
    });
  }
  return row;
}

async function publish(context: RequestContext, row: DeploymentRow): Promise<DeploymentRow> {
  const config: DeploymentConfig = { v: 1, version: row.configVersion, status: row.status, ...row.config };
  const object = objectOf(context, row);
  const outcome = await object.configure(row.id, config, row.initialCredentials);
  if (!outcome.ok) throw new Error("the deployment was erased, its row was not");
  if (!outcome.value.everywhere) return row;
  const [published] = await context.var.database
    .update(deployments)
    .set({ publishedVersion: row.configVersion, initialCredentials: null, updatedAt: sql`now()` })
    .where(and(eq(deployments.id, row.id), lt(deployments.publishedVersion, row.configVersion)))
    .returning();
  return published ?? { ...row, publishedVersion: row.configVersion };
}

async function erase(context: RequestContext, row: DeploymentRow): Promise<DeploymentRow | null> {
  const { done } = await objectOf(context, row).destroy(row.id);
  if (!done) return row;
  await context.var.database
    .update(deployments)
    .set({ erasedAt: sql`now()`, initialCredentials: null, updatedAt: sql`now()` })
    .where(eq(deployments.id, row.id));
  return null;
}
