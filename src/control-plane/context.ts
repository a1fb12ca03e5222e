// What every request of the control plane carries.

import type { Context } from "hono";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "../platform/env.ts";
import type { Account } from "./auth/create-auth.ts";
import type { Database } from "./db/connect.ts";

export interface ControlPlaneEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    database: Database;
    /** Goes on behind the answer; the database stays open until it is done. */
    inBackground: (task: Promise<unknown>) => void;
    /** Who asks; set on routes that demand it. */
    account: Account;
  };
}

export type App = OpenAPIHono<ControlPlaneEnv>;
export type RequestContext = Context<ControlPlaneEnv>;
