// What every request of a deployment's API carries.

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { Env } from "../../platform/env.ts";

export interface ApiEnv {
  Bindings: {
    env: Env;
    /** Its MAC was checked. */
    deploymentId: DeploymentId;
    /** Where the API is reached, up to and with /api/v5. */
    baseUrl: string;
    /** The caller's address, without port. */
    peerAddress: string;
  };
  Variables: {
    requestId: string;
    /** The deployment's config, some seconds old at most; set once the API key is checked. */
    config: DeploymentConfig;
  };
}

export type Api = OpenAPIHono<ApiEnv>;
export type ApiContext = Context<ApiEnv>;
