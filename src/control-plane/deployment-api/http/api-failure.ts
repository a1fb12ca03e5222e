// Errors as EMQX's API tells them: {"code","message"}, with its codes.

import { z } from "@hono/zod-openapi";
import type { ContentfulStatusCode } from "hono/utils/http-status";

export type FailureCode =
  | "ALREADY_EXISTS"
  | "AUTHORIZATION_HEADER_ERROR"
  | "BAD_API_KEY_OR_SECRET"
  | "BAD_REQUEST"
  | "CLIENTID_NOT_FOUND"
  | "EXCEED_LIMIT"
  | "INTERNAL_ERROR"
  | "NOT_FOUND"
  | "SERVICE_UNAVAILABLE"
  | "TOO_MANY_REQUESTS"
  | "UNSUPPORTED_MEDIA_TYPE";

/** Thrown to end the request with this answer. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly status: ContentfulStatusCode;
  readonly code: FailureCode;

  /** `message` is for people and repeats no secret. */
  constructor(status: ContentfulStatusCode, code: FailureCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const failureSchema = z
  .object({ code: z.string().openapi({ example: "NOT_FOUND" }), message: z.string() })
  .openapi("Failure");

const meanings = {
  400: "A parameter or the body is not allowed; the message tells which.",
  401: "The API key or its secret is missing or wrong.",
  404: "There is no such thing.",
  409: "It exists already, or there is no room for more.",
  413: "The body or the message is too large.",
  415: "The body is not JSON.",
  429: "Too many failed attempts from this address, or the deployment's rate is used up.",
  503: "The deployment does not answer, or is stopped.",
} as const;

/** The failures of a route, for its description; 401, 429 and 503 may come of any. */
export function failures<Status extends keyof typeof meanings>(...statuses: Status[]) {
  const all = [...new Set([...statuses, 401, 429, 503] as const)];
  const responses = all.map((status) => [
    status,
    { description: meanings[status], content: { "application/json": { schema: failureSchema } } },
  ]);
  return Object.fromEntries(responses) as Record<
    Status | 401 | 429 | 503,
    { description: string; content: { "application/json": { schema: typeof failureSchema } } }
  >;
}
