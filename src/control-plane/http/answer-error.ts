// Turns whatever goes wrong into the API's form of an error. What we did not expect is logged under the request's id
// and told to nobody.

import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { log } from "../../platform/log.ts";
import type { RequestContext } from "../context.ts";
import { ApiError } from "./api-error.ts";
import { describeError } from "./describe-error.ts";

/** For `app.onError`. */
export function answerError(error: Error, context: RequestContext): Response {
  if (error instanceof ApiError) return errorResponse(context, error.status, error.code, error.message);
  if (error instanceof HTTPException) return answerHttpException(error, context);
  log.error("request failed", {
    requestId: context.var.requestId,
    method: context.req.method,
    path: context.req.routePath,
    error: describeError(error),
  });
  return errorResponse(context, 500, "internal", "Something went wrong on our side.");
}

/** For `app.notFound`. */
export function answerNotFound(context: RequestContext): Response {
  return errorResponse(context, 404, "not_found", "There is nothing at this address.");
}

/** For OpenAPIHono's `defaultHook`: input that zod refused. */
export function refuseInvalid(result: { success: true } | { success: false; error: z.ZodError }): void {
  if (result.success) return;
  const problems = result.error.issues.map((issue) => {
    const place = issue.path.join(".");
    return place === "" ? issue.message : `${place}: ${issue.message}`;
  });
  throw new ApiError(400, "invalid_request", problems.join("; "));
}

/** The answer itself, for those who cannot throw. */
export function errorResponse(
  context: RequestContext,
  status: ContentfulStatusCode,
  code: string,
  message: string,
): Response {
  return context.json({ error: { code, message, requestId: context.var.requestId } }, status);
}

function answerHttpException(error: HTTPException, context: RequestContext): Response {
  const { status } = error;
  if (status === 400) return errorResponse(context, 400, "invalid_json", "The body is not valid JSON.");
  if (status === 413) return errorResponse(context, 413, "body_too_large", "The body is too large.");
  if (status === 415)
    return errorResponse(context, 415, "unsupported_media_type", "Send the body as application/json.");
  return errorResponse(context, status, "refused", "The request was refused.");
}
