// The control plane's database: embedded, one's own Postgres behind the bridge, or Neon directly; with the newest tables.

import { applyMigrations } from "../migrate.ts";
import { startBridge, startPostgres, type Postgres } from "../postgres-bridge.ts";

export interface Database {
  databaseUrl: string;
  /** host:port of the bridge; null: the Worker reaches the database itself. */
  proxy: string | null;
  close(): Promise<void>;
}

/** Starts the embedded database in `dataDir`, or reaches the one at `databaseUrl`. Throws an error of one line. */
export async function startDatabase(options: { dataDir: string; databaseUrl: string | null }): Promise<Database> {
  const { dataDir, databaseUrl } = options;
  if (databaseUrl !== null && isNeon(databaseUrl)) {
    await applyMigrations({ databaseUrl, proxy: null });
    return { databaseUrl, proxy: null, close: () => Promise.resolve() };
  }
  const postgres: Postgres =
    databaseUrl === null ? await startPostgres({ dataDir }) : await startBridge({ databaseUrl });
  try {
    await applyMigrations(postgres);
  } catch (error) {
    await postgres.close();
    throw error;
  }
  return postgres;
}

function isNeon(databaseUrl: string): boolean {
  return URL.canParse(databaseUrl) && new URL(databaseUrl).hostname.endsWith(".neon.tech");
}
