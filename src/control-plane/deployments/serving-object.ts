// The Deployment object behind a path, for routes that ask it something.

import type { DeploymentRpc } from "../../contracts/rpc.ts";
import type { RequestContext } from "../context.ts";
import type { DeploymentRow } from "../db/schema/deployments.ts";
import { ApiError } from "../http/api-error.ts";
import { objectOf } from "./deployment-object.ts";
import { findDeployment } from "./find-deployment.ts";

/** The object of a deployment that is the account's own, once it was published, and its row. Throws 404 and 409. */
export async function servingObject(
  context: RequestContext,
  id: string,
): Promise<{ object: DeploymentRpc; row: DeploymentRow }> {
  const row = await findDeployment(context, id);
  if (row.deletedAt !== null || row.publishedVersion === 0) throw notReady();
  return { object: objectOf(context, row), row };
}

export function notReady(): ApiError {
  return new ApiError(409, "not_ready", "The deployment is not ready yet, or is being deleted.");
}
