// Calls to the deployment's objects: bounded in time, and a failure of theirs is the API's 503, not our 500.

import type { NotProvisioned, Outcome } from "../../../contracts/rpc.ts";
import { log } from "../../../platform/log.ts";
import { within } from "../../within.ts";
import type { ApiContext } from "../context.ts";
import { ApiFailure } from "./api-failure.ts";

const ANSWER_MS = 12_000;

/** Asks the Deployment object or a shard. Throws 404 when the deployment is no more, 503 when it does not answer. */
export async function ask<T>(context: ApiContext, call: () => Promise<Outcome<T, NotProvisioned>>): Promise<T> {
  const outcome = await answered(context, call);
  if (!outcome.ok) throw gone();
  return outcome.value;
}

/** The same for calls that have failures of their own. */
export async function tryDeployment<T, E extends string>(
  context: ApiContext,
  call: () => Promise<Outcome<T, E>>,
): Promise<Outcome<T, Exclude<E, NotProvisioned>>> {
  const outcome = await answered(context, call);
  if (!outcome.ok && outcome.error === "not_provisioned") throw gone();
  return outcome as Outcome<T, Exclude<E, NotProvisioned>>;
}

async function answered<T>(context: ApiContext, call: () => Promise<T>): Promise<T> {
  try {
    return await within(ANSWER_MS, call());
  } catch (error) {
    const { requestId } = context.var;
    log.warn("a deployment's object failed", { requestId, deploymentId: context.env.deploymentId, error });
    throw unavailable();
  }
}

function gone(): ApiFailure {
  return new ApiFailure(404, "NOT_FOUND", "There is no such deployment.");
}

function unavailable(): ApiFailure {
  return new ApiFailure(503, "SERVICE_UNAVAILABLE", "The deployment does not answer; try again.");
}
