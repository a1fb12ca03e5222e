// What is stored of a shard's queues, as a store sees it that knows nothing but the tables.

import { MessageLog } from "../../../src/durable-objects/session-shard/message-log/message-log.ts";
import { SqlLogTables } from "../../../src/durable-objects/session-shard/message-log/sql-log-tables.ts";

/** Rows of the log that have messages, and entries of all sessions. Writes nothing. */
export function storedQueues(sql: SqlStorage): { messages: number; entries: number } {
  const failed = (error: unknown): never => {
    throw error;
  };
  const { n } = sql.exec<{ n: number }>("SELECT count(*) AS n FROM message_log WHERE length(messages) > 0").one();
  return { messages: n, entries: new MessageLog(new SqlLogTables(sql, failed), () => undefined).entries };
}
