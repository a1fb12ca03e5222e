// An object's tables by an append-only list of migrations. What ran is remembered; when nothing is new, nothing is
// written. A database that a newer release has migrated is left as it is.

import { tableExists } from "./table-exists.ts";

/** Runs the migrations that this database has not seen, in order. Throws what SQLite throws. To be called within
 *  `transactionSync`: without it an error leaves what ran before it, since the platform commits what an event wrote even
 *  if it throws. */
export function migrate(sql: SqlStorage, migrations: readonly string[]): void {
  const known = tableExists(sql, "schema_version");
  const version = known ? sql.exec<{ version: number }>("SELECT version FROM schema_version").one().version : 0;
  if (version >= migrations.length) return;
  if (!known) sql.exec("CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (0)");
  for (const migration of migrations.slice(version)) sql.exec(migration);
  sql.exec("UPDATE schema_version SET version = ?", migrations.length);
}
