// Bodies are JSON and say so.

import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../context.ts";
import { ApiFailure } from "./api-failure.ts";

/** What would be ignored as a body of another type is refused with the reason. */
export const jsonOnly = createMiddleware<ApiEnv>(async (context, next) => {
  const { method } = context.req;
  const type = context.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if ((method === "POST" || method === "PUT") && type !== "application/json") {
    throw new ApiFailure(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be JSON: Content-Type application/json.");
  }
  await next();
});
