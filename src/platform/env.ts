// The Worker's bindings and variables, as wrangler.toml and the start script give them.

import type { DeploymentRpc, SessionShardRpc, TopicShardRpc } from "../contracts/rpc.ts";

/** An object's stub as its callers see it: fetch for the link, and its contract's calls. */
export type ObjectStub<Rpc> = Rpc & { fetch(request: Request | string, init?: RequestInit): Promise<Response> };

/** The part of a Durable Object namespace that the project uses, typed by the contract instead of the class. */
export interface ObjectNamespace<Rpc> {
  getByName(name: string): ObjectStub<Rpc>;
  jurisdiction(jurisdiction: "eu" | "fedramp"): ObjectNamespace<Rpc>;
}

export interface Env {
  SESSION_SHARD: ObjectNamespace<SessionShardRpc>;
  TOPIC_SHARD: ObjectNamespace<TopicShardRpc>;
  DEPLOYMENT: ObjectNamespace<DeploymentRpc>;
  /** Domain of the deployments' hosts; empty: only the path form is served. */
  BASE_DOMAIN: string;
  /** Origin of the control plane as people see it, without a slash at the end. */
  PUBLIC_URL: string;
  DEFAULT_PLAN: "free" | "local";
  /** How many shards of each kind a new deployment gets and stays with, 1 to 1,024; unset or empty: one, and it grows by
   *  itself as far as the plan lets it. */
  DEPLOYMENT_SHARDS?: string;
  /** Postgres connection string. */
  DATABASE_URL: string;
  /** host:port of the bridge that speaks Neon's protocols for a plain Postgres; unset in production. */
  DATABASE_PROXY?: string;
  BETTER_AUTH_SECRET: string;
  DEPLOYMENT_ID_KEY: string;
  /** "required": an account must verify its address before it can sign in. */
  EMAIL_VERIFICATION?: "required" | "off";
  /** Takes mails as POST {to, subject, text}; on one machine the start script prints and keeps them. */
  MAILER?: { fetch(request: Request): Promise<Response> };
}
