// The Deployment object of a row.

import type { DeploymentId } from "../../contracts/deployment-id.ts";
import { deploymentObject } from "../../contracts/object-names.ts";
import type { DeploymentRpc } from "../../contracts/rpc.ts";
import type { RequestContext } from "../context.ts";
import type { DeploymentRow } from "../db/schema/deployments.ts";

export function objectOf(context: RequestContext, { id }: Pick<DeploymentRow, "id">): DeploymentRpc {
  // The id was made by us and never came from outside.
  return deploymentObject(context.env.DEPLOYMENT, id as DeploymentId);
}
