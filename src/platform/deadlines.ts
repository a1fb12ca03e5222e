// Many deadlines on an object's one alarm: kept in a table, so that they outlive the object's memory, and re-armed even
// if a handler throws. A handler that throws is called again later, until it succeeds.

import { backOffMs } from "./back-off.ts";
import { log } from "./log.ts";

export type DeadlineHandler = (key: string, now: number) => void | Promise<void>;

/** Rows taken at a time. */
const BATCH = 500;

interface DeadlineRow extends Record<string, SqlStorageValue> {
  kind: string;
  key: string;
  at: number;
  attempts: number;
}

export class Deadlines<Kind extends string = string> {
  readonly #storage: DurableObjectStorage;
  readonly #handlers: Readonly<Record<Kind, DeadlineHandler>>;
  /** When the alarm is set for; null: not known, undefined: it is not set. */
  #armed: number | null | undefined = null;
  #ready = false;

  constructor(storage: DurableObjectStorage, handlers: Readonly<Record<Kind, DeadlineHandler>>) {
    this.#storage = storage;
    this.#handlers = handlers;
  }

  /** Sets or moves a deadline to `at` (epoch milliseconds). */
  set(kind: Kind, key: string, at: number): void {
    this.#table();
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO deadline (kind, key, at, attempts) VALUES (?, ?, ?, 0)",
      kind,
      key,
      at,
    );
    this.#arm(at);
  }

  /** Sets a deadline, or moves it if it is later. */
  setEarlier(kind: Kind, key: string, at: number): void {
    const known = this.#find(kind, key);
    if (known === null || at < known) this.set(kind, key, at);
  }

  /** Sets a deadline unless there is one. */
  setIfUnset(kind: Kind, key: string, at: number): void {
    if (this.#find(kind, key) === null) this.set(kind, key, at);
  }

  clear(kind: Kind, key: string): void {
    this.#table();
    this.#storage.sql.exec("DELETE FROM deadline WHERE kind = ? AND key = ?", kind, key);
  }

  /** Called by the object's alarm: runs what is due and sets the alarm for what is next. */
  async run(now: number): Promise<void> {
    this.#armed = undefined;
    try {
      this.#table();
      const due = this.#storage.sql
        .exec<DeadlineRow>("SELECT * FROM deadline WHERE at <= ? ORDER BY at LIMIT ?", now, BATCH)
        .toArray();
      for (const row of due) await this.#handle(row, now);
    } finally {
      const { next } = this.#storage.sql.exec<{ next: number | null }>("SELECT min(at) AS next FROM deadline").one();
      if (next !== null) this.#arm(next);
    }
  }

  async #handle(row: DeadlineRow, now: number): Promise<void> {
    const { kind, key, at, attempts } = row;
    const { sql } = this.#storage;
    try {
      const handler = this.#handlers[kind as Kind] as DeadlineHandler | undefined;
      await handler?.(key, now);
      // Unless the handler has set it anew.
      sql.exec("DELETE FROM deadline WHERE kind = ? AND key = ? AND at = ?", kind, key, at);
    } catch (error) {
      log.error("a deadline's handler failed", { kind, attempts, error });
      sql.exec(
        "UPDATE deadline SET at = ?, attempts = ? WHERE kind = ? AND key = ? AND at = ?",
        now + backOffMs(attempts + 1, 0.5),
        attempts + 1,
        kind,
        key,
        at,
      );
    }
  }

  #find(kind: Kind, key: string): number | null {
    this.#table();
    const [row] = this.#storage.sql.exec<{ at: number }>(
      "SELECT at FROM deadline WHERE kind = ? AND key = ?",
      kind,
      key,
    );
    return row?.at ?? null;
  }

  /** Setting an alarm is a billed row: only for what is earlier than what it is set for. */
  #arm(at: number): void {
    if (this.#armed === null) {
      const { earlier } = this.#storage.sql
        .exec<{ earlier: number }>("SELECT count(*) AS earlier FROM deadline WHERE at < ?", at)
        .one();
      if (earlier > 0) return;
    } else if (this.#armed !== undefined && this.#armed <= at) {
      return;
    }
    this.#armed = at;
    void this.#storage.setAlarm(at);
  }

  #table(): void {
    if (this.#ready) return;
    this.#ready = true;
    const exists = this.#storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'deadline'").toArray();
    if (exists.length > 0) return;
    this.#storage.sql.exec(
      `CREATE TABLE deadline (kind TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, attempts INTEGER NOT NULL,
         PRIMARY KEY (kind, key)) WITHOUT ROWID;
       CREATE INDEX deadline_at ON deadline (at)`,
    );
  }
}
