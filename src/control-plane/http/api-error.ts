// Errors as the control plane's API tells them: {"error":{"code","message","requestId"}}.

import { z } from "@hono/zod-openapi";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Thrown by a handler to end the request with this answer. `code` is snake_case and stable, `message` is for people. */
export class ApiError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;

  constructor(status: ContentfulStatusCode, code: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

export const errorSchema = z
  .object({
    error: z.object({
      code: z.string().openapi({ example: "not_found" }),
      message: z.string().openapi({ example: "There is no such deployment." }),
      requestId: z.string().openapi({ description: "Name this when you ask for help." }),
    }),
  })
  .openapi("Error");

const meanings = {
  400: "The request is malformed or a value is not allowed.",
  401: "Nobody is signed in, or the token is wrong or expired.",
  403: "This is not allowed: a quota is used up, or a browser sent the request from another site.",
  404: "There is no such thing, or it is another account's.",
  409: "The deployment is not in a state for this.",
  413: "The body is too large.",
  422: "The values do not go together with what exists.",
  429: "Too many attempts from this address; Retry-After tells when to try again.",
  503: "A part of the service does not answer.",
} as const;

/** The error responses of a route, for its description. */
export function errorResponses<Status extends keyof typeof meanings>(...statuses: Status[]) {
  const responses = statuses.map((status) => [
    status,
    { description: meanings[status], content: { "application/json": { schema: errorSchema } } },
  ]);
  return Object.fromEntries(responses) as Record<
    Status,
    { description: string; content: { "application/json": { schema: typeof errorSchema } } }
  >;
}
