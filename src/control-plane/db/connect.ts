// The control plane's connections to Postgres. A pool belongs to one request: a Worker may not share sockets between
// requests, and Neon pools on its side.

import { Pool, neonConfig } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/neon-serverless";
import type { Env } from "../../platform/env.ts";

/** Connections of one request: better-auth may ask something beside an open transaction. */
const CONNECTIONS_MAX = 3;
const CONNECT_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 15_000;

/** Opens nothing yet: the first query connects. `close` ends the connections; call it when the request is over. */
export function connect(env: Env) {
  const proxy = env.DATABASE_PROXY;
  if (proxy !== undefined && proxy !== "") {
    neonConfig.fetchEndpoint = `http://${proxy}/sql`;
    neonConfig.wsProxy = () => `${proxy}/v2`;
    neonConfig.useSecureWebSocket = false;
    neonConfig.pipelineConnect = false;
  }
  const pool = new Pool({
    connectionString: env.DATABASE_URL,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  });
  // A connection lost while idle; the query that needs it fails by itself.
  pool.on("error", () => {});
  return { database: drizzle(pool), close: () => pool.end() };
}

export type Database = ReturnType<typeof connect>["database"];
