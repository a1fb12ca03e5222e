// The frame of each request: its id, its database connections, which end when the answer and what goes on behind it
// are done, and the headers that tell a browser what it may do with the answer.

import { createMiddleware } from "hono/factory";
import { connect } from "../db/connect.ts";
import type { ControlPlaneEnv, RequestContext } from "../context.ts";
import { answerError } from "./answer-error.ts";

/** Must come first. Sets `requestId`, `database` and `inBackground`. */
export const requestScope = createMiddleware<ControlPlaneEnv>(async (context, next) => {
  const { database, close } = connect(context.env);
  const background: Promise<unknown>[] = [];
  context.set("requestId", crypto.randomUUID());
  context.set("database", database);
  context.set("inBackground", (task) => background.push(task));
  try {
    await next();
  } catch (thrown) {
    // Hono hands errors to `onError` itself; this is something else, such as the event of a socket that failed.
    context.res = answerError(new Error("no error was thrown, but something else", { cause: thrown }), context);
  } finally {
    context.executionCtx.waitUntil(settle(background).then(close));
  }
  setHeaders(context);
});

/** Waits for all, also for what they add. */
async function settle(tasks: Promise<unknown>[]): Promise<void> {
  for (let i = 0; i < tasks.length; i++) await tasks[i]?.catch(() => {});
}

function setHeaders(context: RequestContext): void {
  context.header("X-Request-Id", context.var.requestId);
  context.header("X-Content-Type-Options", "nosniff");
  context.header("X-Frame-Options", "DENY");
  context.header("Referrer-Policy", "no-referrer");
  context.header("Cross-Origin-Opener-Policy", "same-origin");
  if (!context.res.headers.has("Content-Security-Policy")) {
    context.header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  }
  if (!context.res.headers.has("Cache-Control")) context.header("Cache-Control", "no-store");
  if (context.env.PUBLIC_URL.startsWith("https:")) {
    context.header("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
  }
}
