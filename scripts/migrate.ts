// Brings a database to the newest tables of migrations/. `DATABASE_URL=postgres://... npm run db:migrate` does it by
// hand; the start script does it at each start.

import { fileURLToPath } from "node:url";
import { Client } from "@neondatabase/serverless";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { clientThrough } from "./postgres/bridge-server.ts";
import { startBridge } from "./postgres-bridge.ts";

const migrationsFolder = fileURLToPath(new URL("../migrations", import.meta.url));
/** Any number, the same for everyone who migrates. */
const MIGRATION_LOCK = 4_011_982;

/** Applies what is missing, one at a time (on the embedded database, whose clients share a session, the caller sees to
 *  that). `proxy` is the bridge's host:port, null for a Neon database that is
 *  reached directly. Throws an error of one line. */
export async function applyMigrations(options: { databaseUrl: string; proxy: string | null }): Promise<void> {
  const { databaseUrl, proxy } = options;
  const client = proxy === null ? new Client(databaseUrl) : clientThrough(proxy, databaseUrl);
  try {
    await client.connect();
  } catch (error) {
    throw new Error(`cannot migrate the database: ${rootMessage(error)}`, { cause: error });
  }
  try {
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    if (!(await isNewest(client))) await migrate(client);
    await client.query("SELECT pg_advisory_unlock($1)", [MIGRATION_LOCK]);
  } catch (error) {
    throw new Error(`cannot migrate the database: ${rootMessage(error)}`, { cause: error });
  } finally {
    await client.end();
  }
}

/** Whether all migrations are there, as at nearly every start. */
async function isNewest(client: Client): Promise<boolean> {
  const { rows: tables } = await client.query("SELECT to_regclass('drizzle.__drizzle_migrations') AS applied");
  if (tables[0]?.applied == null) return false;
  const { rows } = await client.query("SELECT max(created_at) AS last FROM drizzle.__drizzle_migrations");
  const newest = Math.max(...readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis));
  return Number(rows[0]?.last ?? 0) >= newest;
}

/** With a library that takes a second to load. */
async function migrate(client: Client): Promise<void> {
  const [{ drizzle }, migrator] = await Promise.all([
    import("drizzle-orm/neon-serverless"),
    import("drizzle-orm/neon-serverless/migrator"),
  ]);
  await migrator.migrate(drizzle(client), { migrationsFolder });
}

async function main(): Promise<void> {
  const databaseUrl = process.env["DATABASE_URL"];
  if (databaseUrl === undefined || databaseUrl === "") {
    throw new Error("DATABASE_URL is not set: the connection string of the database to migrate");
  }
  if (new URL(databaseUrl).hostname.endsWith(".neon.tech")) {
    await applyMigrations({ databaseUrl, proxy: null });
    return;
  }
  const bridge = await startBridge({ databaseUrl });
  try {
    await applyMigrations({ databaseUrl, proxy: bridge.proxy });
  } finally {
    await bridge.close();
  }
}

function rootMessage(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  if (cause instanceof Error) return cause.message.split("\n", 1)[0] ?? "unknown error";
  // A WebSocket that could not be opened fails with an event that may say nothing.
  return (cause as { message?: string }).message || "it cannot be reached";
}

if (import.meta.main) {
  try {
    await main();
    console.log("The database is up to date.");
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
