// Whether an object's database has a table. One that was never provisioned has none, and asking writes nothing.

export function tableExists(sql: SqlStorage, table: string): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table).toArray().length > 0;
}
