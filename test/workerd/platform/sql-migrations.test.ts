import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { migrate } from "../../../src/platform/sql-migrations.ts";
import { inObject, newObject } from "./in-object.ts";

const first = "CREATE TABLE thing (id INTEGER PRIMARY KEY); INSERT INTO thing VALUES (1)";
const second = "ALTER TABLE thing ADD COLUMN name TEXT NOT NULL DEFAULT 'none'";
const third = "INSERT INTO thing (id, name) VALUES (3, 'three')";

const things = (sql: SqlStorage) => sql.exec("SELECT * FROM thing ORDER BY id").toArray();
const version = (sql: SqlStorage) => sql.exec("SELECT version FROM schema_version").one();
const tables = (sql: SqlStorage) =>
  sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray();

/** The SQL storage, counting the rows that are written through it. */
function counting(sql: SqlStorage): { sql: SqlStorage; written(): number } {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    const cursor = sql.exec(query, ...bindings);
    cursors.push(cursor);
    return cursor;
  };
  return {
    sql: { exec } as unknown as SqlStorage,
    written: () => cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
  };
}

describe("migrations", () => {
  it("runs each once, over evictions and as the list grows", async () => {
    const stub = newObject();
    await inObject(stub, ({ sql }) => migrate(sql, [first]));
    await evictDurableObject(stub);
    await inObject(stub, ({ sql }) => migrate(sql, [first, second, third]));
    await evictDurableObject(stub);
    await inObject(stub, ({ sql }) => {
      migrate(sql, [first, second, third]);
      expect(things(sql)).toEqual([
        { id: 1, name: "none" },
        { id: 3, name: "three" },
      ]);
      expect(version(sql)).toEqual({ version: 3 });
    });
  });

  it("writes nothing when nothing is new, nor when a newer release was here", async () => {
    await inObject(newObject(), ({ sql }) => {
      const counted = counting(sql);
      migrate(counted.sql, [first, second]);
      const written = counted.written();
      expect(written).toBeGreaterThan(0);
      migrate(counted.sql, [first, second]);
      migrate(counted.sql, [first]);
      expect(counted.written()).toBe(written);
      expect(version(sql)).toEqual({ version: 2 });
    });
  });

  it("leaves nothing of a run that failed in a transaction, and succeeds the next time", async () => {
    const stub = newObject();
    await inObject(stub, (storage) => {
      const failing = [first, `${second}; INSERT INTO nowhere VALUES (1)`];
      expect(() => storage.transactionSync(() => migrate(storage.sql, failing))).toThrow("nowhere");
      expect(tables(storage.sql)).toEqual([]);
    });
    await evictDurableObject(stub);
    await inObject(stub, (storage) => {
      expect(tables(storage.sql)).toEqual([]);
      storage.transactionSync(() => migrate(storage.sql, [first, second]));
      expect(things(storage.sql)).toEqual([{ id: 1, name: "none" }]);
    });
  });
});
