// Browsers change things from our own pages only. A request that another site makes a browser send is refused where
// cookies are read or set; programs with a bearer token need no such guard elsewhere.

import { createMiddleware } from "hono/factory";
import type { ControlPlaneEnv, RequestContext } from "../context.ts";
import { ApiError } from "./api-error.ts";

export const sameOrigin = createMiddleware<ControlPlaneEnv>(async (context, next) => {
  const { method } = context.req;
  const safe = method === "GET" || method === "HEAD" || method === "OPTIONS";
  // Signing in from another site would put its visitor into an account that is not his.
  const setsCookies = context.req.path.startsWith("/api/auth/");
  if (!safe && (setsCookies || context.req.header("Cookie") !== undefined) && isFromElsewhere(context)) {
    throw new ApiError(403, "cross_site", "A browser may do this from our own pages only.");
  }
  await next();
});

/** Browsers tell where a request comes from; other programs carry no cookies that they were not given. */
function isFromElsewhere(context: RequestContext): boolean {
  const site = context.req.header("Sec-Fetch-Site");
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  const origin = context.req.header("Origin");
  if (origin === undefined) return false;
  return origin !== new URL(context.req.url).origin && origin !== new URL(context.env.PUBLIC_URL).origin;
}
