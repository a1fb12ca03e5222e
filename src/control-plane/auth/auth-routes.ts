// The routes of accounts under /api/auth: those that are open, described for the OpenAPI document, and passed to
// better-auth, whose errors take this API's form on the way back. Its other routes are not served.

import { z } from "@hono/zod-openapi";
import type { App, RequestContext } from "../context.ts";
import { ApiError, errorResponses } from "../http/api-error.ts";
import { errorResponse } from "../http/answer-error.ts";
import { authRouteDescriptions } from "./auth-route-descriptions.ts";
import { createAuth } from "./create-auth.ts";

/** Adds the routes to the app and their descriptions to its document. */
export function addAuthRoutes(app: App): void {
  for (const { method, path, summary, body, query, answer, failures, signedIn } of authRouteDescriptions) {
    const fullPath = `/api/auth${path}`;
    app.openAPIRegistry.registerPath({
      method,
      path: fullPath,
      tags: ["Accounts"],
      summary,
      ...(signedIn ? { security: [{ bearer: [] }, { cookie: [] }] } : {}),
      request: {
        ...(body === null ? {} : { body: { required: true, content: { "application/json": { schema: body } } } }),
        ...(query === null ? {} : { query }),
      },
      responses: {
        200: { description: "Done.", content: { "application/json": { schema: answer ?? z.object({}) } } },
        ...errorResponses(...failures, 429),
      },
    });
    app.on(method, fullPath, (context) => forward(context));
  }
}

async function forward(context: RequestContext): Promise<Response> {
  const { env } = context;
  if (env.EMAIL_VERIFICATION === "required" && env.MAILER === undefined) {
    throw new ApiError(503, "mailer_missing", "Addresses must be verified here, but no mailer is configured.");
  }
  const response = await createAuth(context).handler(await withBody(context.req.raw));
  return response.status < 400 ? response : translateError(context, response);
}

/** better-auth wants a body of JSON even where it reads nothing from it. */
async function withBody(request: Request): Promise<Request> {
  if (request.method !== "POST" || request.headers.has("Content-Type")) return request;
  if ((await request.clone().text()) !== "") return request;
  const headers = new Headers(request.headers);
  headers.set("Content-Type", "application/json");
  headers.delete("Content-Length");
  return new Request(request.url, { method: "POST", headers, body: "{}" });
}

/** better-auth answers {"code":"INVALID_EMAIL","message"}, or nothing at all where it failed itself. */
async function translateError(context: RequestContext, response: Response): Promise<Response> {
  const body = errorBodySchema.safeParse(await response.json().catch(() => null));
  const retryAfter = response.headers.get("X-Retry-After");
  if (retryAfter !== null) context.header("Retry-After", retryAfter);
  if (response.status === 429) {
    return errorResponse(context, 429, "too_many_requests", "Too many attempts. Try again later.");
  }
  if (response.status >= 500 || !body.success) {
    return errorResponse(context, 500, "internal", "Something went wrong on our side.");
  }
  const code = (body.data.code ?? "refused").toLowerCase();
  const status = knownStatuses.find((known) => known === response.status) ?? 400;
  return errorResponse(context, status, code, body.data.message ?? "The request was refused.");
}

const errorBodySchema = z.object({ code: z.string().optional(), message: z.string().optional() });
const knownStatuses = [400, 401, 403, 404, 409, 413, 415, 422] as const;
