// Postgres for a Worker on this machine: embedded (PGlite in a folder) or one of your own, behind the protocols that
// @neondatabase/serverless speaks, so that the Worker uses the same driver everywhere.

import { startPGliteServer } from "./postgres/pglite-server.ts";
import { startBridgeServer } from "./postgres/bridge-server.ts";

export interface Postgres {
  /** Connection string for the Worker's DATABASE_URL. */
  databaseUrl: string;
  /** host:port of the bridge, for the Worker's DATABASE_PROXY. */
  proxy: string;
  close(): Promise<void>;
}

/** Starts the embedded Postgres on `dataDir`, made if there is none; survives being killed. Only one process may use a
 *  folder at a time: the caller sees to that. Throws an error of one line. */
export async function startPostgres(options: { dataDir: string }): Promise<Postgres> {
  const server = await startPGliteServer(options.dataDir);
  const bridge = await startBridgeServer(server.databaseUrl);
  return {
    databaseUrl: server.databaseUrl,
    proxy: bridge.proxy,
    async close() {
      await bridge.close();
      await server.close();
    },
  };
}

/** Starts the bridge alone, in front of the Postgres at `databaseUrl`. Throws an error of one line if that cannot be
 *  reached or refuses the login. */
export async function startBridge(options: { databaseUrl: string }): Promise<Postgres> {
  const bridge = await startBridgeServer(options.databaseUrl);
  return { databaseUrl: options.databaseUrl, proxy: bridge.proxy, close: () => bridge.close() };
}
