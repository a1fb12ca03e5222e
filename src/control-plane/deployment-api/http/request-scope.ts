// The frame of each request: its id, and the headers that every answer has.

import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../context.ts";

/** Must come first. Sets `requestId`. */
export const requestScope = createMiddleware<ApiEnv>(async (context, next) => {
  const requestId = crypto.randomUUID();
  context.set("requestId", requestId);
  await next();
  context.header("X-Request-Id", requestId);
  context.header("X-Content-Type-Options", "nosniff");
  context.header("Cache-Control", "no-store");
});
