// Turns whatever goes wrong into the API's form of an error. What nobody expected is logged and told to nobody.

import { HTTPException } from "hono/http-exception";
import type { z } from "zod";
import { log } from "../../../platform/log.ts";
import type { ApiContext } from "../context.ts";
import type { FailureCode } from "./api-failure.ts";
import { ApiFailure } from "./api-failure.ts";

/** For `app.onError`. */
export function answerFailure(error: Error, context: ApiContext): Response {
  if (error instanceof ApiFailure) {
    if (error.status === 401) context.header("WWW-Authenticate", 'Basic realm="deployment API", charset="UTF-8"');
    return answer(context, error.status, error.code, error.message);
  }
  if (error instanceof HTTPException && error.status === 400) {
    return answer(context, 400, "BAD_REQUEST", "The body is not valid JSON.");
  }
  log.error("request to a deployment's API failed", {
    requestId: context.var.requestId,
    deploymentId: context.env.deploymentId,
    method: context.req.method,
    path: context.req.routePath,
    error,
  });
  return answer(context, 500, "INTERNAL_ERROR", `Something went wrong on our side (${context.var.requestId}).`);
}

/** For OpenAPIHono's `defaultHook`: input that zod refused. */
export function refuseInvalid(result: { success: true } | { success: false; error: z.ZodError }): void {
  if (result.success) return;
  const problems = result.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw new ApiFailure(400, "BAD_REQUEST", problems.join("; "));
}

function answer(context: ApiContext, status: ApiFailure["status"], code: FailureCode, message: string): Response {
  return context.json({ code, message }, status);
}
