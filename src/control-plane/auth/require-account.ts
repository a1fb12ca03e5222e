// Lets through who is signed in, by cookie or bearer token, and says who it is.

import { createMiddleware } from "hono/factory";
import type { ControlPlaneEnv } from "../context.ts";
import { ApiError } from "../http/api-error.ts";
import { createAuth } from "./create-auth.ts";

/** Sets `account`, or ends the request with 401. */
export const requireAccount = createMiddleware<ControlPlaneEnv>(async (context, next) => {
  const session = await createAuth(context).api.getSession({ headers: context.req.raw.headers });
  if (session === null) {
    context.header("WWW-Authenticate", "Bearer");
    throw new ApiError(401, "unauthorized", "Sign in first, or send the token as `Authorization: Bearer ...`.");
  }
  const { id, email, plan } = session.user;
  context.set("account", { id, email, plan: plan === "local" ? "local" : "free" });
  await next();
});
