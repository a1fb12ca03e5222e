// One object as it is observed: how often it starts, what it reads and writes, what comes in on its sockets.

import { count } from "./counters.ts";
import { betweenIsolates } from "./distance.ts";

export type Kind = "deployment" | "session" | "topic";

export class Observed {
  readonly kind: Kind;
  /** When it last wrote, in milliseconds since the epoch; 0: it has not. */
  wroteAt = 0;

  constructor(kind: Kind) {
    this.kind = kind;
  }

  /** A frame has come on a socket that the object accepted. */
  frame(socket: WebSocket): void {
    count(`${this.kind}.frames`);
    betweenIsolates(socket, this);
  }
}

/** Begins to observe an object that starts. */
export function observe(context: DurableObjectState, kind: Kind): Observed {
  const observed = new Observed(kind);
  count(`${kind}.starts`);
  observeSql(context.storage.sql, observed);
  const accept = context.acceptWebSocket.bind(context);
  context.acceptWebSocket = (socket, tags) => {
    betweenIsolates(socket, observed);
    accept(socket, tags);
  };
  return observed;
}

/** What a statement has read and written is known when its rows have been taken: at the latest with the next one. */
function observeSql(sql: SqlStorage, observed: Observed): void {
  const exec = sql.exec.bind(sql);
  let last: { cursor: SqlStorageCursor<Record<string, SqlStorageValue>>; read: number; written: number } | null = null;
  const settle = () => {
    if (last === null) return;
    const { rowsRead, rowsWritten } = last.cursor;
    count(`${observed.kind}.rowsRead`, rowsRead - last.read);
    count(`${observed.kind}.rowsWritten`, rowsWritten - last.written);
    if (rowsWritten > last.written) observed.wroteAt = Date.now();
    last.read = rowsRead;
    last.written = rowsWritten;
  };
  const counted = <T extends Record<string, SqlStorageValue>>(query: string, ...bindings: unknown[]) => {
    settle();
    count(`${observed.kind}.statements`);
    const cursor = exec<T>(query, ...(bindings as SqlStorageValue[]));
    last = { cursor, read: 0, written: 0 };
    settle();
    return cursor;
  };
  sql.exec = counted;
}
