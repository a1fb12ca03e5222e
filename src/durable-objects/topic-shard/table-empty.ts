/** Whether a table has no row: asked once, so that what is mostly empty costs nothing afterwards. */
export function tableEmpty(sql: SqlStorage, table: "member" | "group_message" | "outbox"): boolean {
  return sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).toArray().length === 0;
}
