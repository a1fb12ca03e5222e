// Asks a Deployment object how many shards it has: bounded in time, and its failure is a 503, not our 500.

import type { DeploymentRpc, Sharding } from "../../contracts/rpc.ts";
import { log } from "../../platform/log.ts";
import type { RequestContext } from "../context.ts";
import { ApiError } from "../http/api-error.ts";
import { describeError } from "../http/describe-error.ts";
import { within } from "../within.ts";

const ANSWER_MS = 8_000;

/** Null: it was not provisioned yet, or is erased. */
export async function askSharding(
  context: RequestContext,
  deploymentId: string,
  object: DeploymentRpc,
): Promise<Sharding | null> {
  try {
    const outcome = await within(ANSWER_MS, object.sharding());
    return outcome.ok ? outcome.value : null;
  } catch (error) {
    const { requestId } = context.var;
    log.warn("a deployment did not tell its shards", { requestId, deploymentId, error: describeError(error) });
    throw new ApiError(503, "unavailable", "The deployment does not answer; try again.");
  }
}
