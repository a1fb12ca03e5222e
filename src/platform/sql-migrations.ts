// An object's tables by an append-only list of migrations. What ran is remembered; when nothing is new, nothing is
// written.

/** Runs the migrations that this database has not seen, all in one transaction with the current event. */
export function migrate(sql: SqlStorage, migrations: readonly string[]): void {
  const known = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
  const version = known ? sql.exec<{ version: number }>("SELECT version FROM schema_version").one().version : 0;
  if (version >= migrations.length) return;
  if (!known) sql.exec("CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (0)");
  for (const migration of migrations.slice(version)) sql.exec(migration);
  sql.exec("UPDATE schema_version SET version = ?", migrations.length);
}
