// Many deadlines on an object's one alarm: kept in a table, so that they outlive the object's memory, and re-armed even
// if a handler throws. A handler that throws is called again later, until it succeeds; with NotYet it says that this is
// all that it wants. One that succeeded may be called again if the object dies before that is stored, so handlers are
// idempotent.

import { backOffMs } from "./back-off.ts";
import { log } from "./log.ts";
import { tableExists } from "./table-exists.ts";
import { firstRow } from "./first-row.ts";

/** Called with the deadline's key and the time of the run (epoch milliseconds). */
export type DeadlineHandler = (key: string, now: number) => void | Promise<void>;

const TABLE = "deadline";
/** Rows taken at a time. */
const BATCH = 500;
/** A deadline that this release knows no handler for waits this long for a release that does. */
const UNKNOWN_KIND_MS = 3_600_000;
/** The platform takes no alarm behind 2189. An alarm that comes before its deadline runs nothing and is set anew. */
const ALARM_LAST = Date.UTC(2180);

interface DeadlineRow extends Record<string, SqlStorageValue> {
  kind: string;
  key: string;
  at: number;
  attempts: number;
}

export class Deadlines<Kind extends string = string> {
  readonly #storage: DurableObjectStorage;
  readonly #handlers: Readonly<Record<Kind, DeadlineHandler>>;
  readonly #random: () => number;
  /** When the alarm is set for; Infinity: it is not set. */
  #armedFor = Infinity;
  #hasTable: boolean;
  /** The end of this turn of the event loop looks at what was set in it. */
  #settling = false;
  /** Deadlines whose handlers run now. One that is set or cleared meanwhile is struck out: it is a new one then. */
  readonly #running = new Set<string>();

  /** Writes nothing, unless there are deadlines and the alarm for them was lost. */
  constructor(
    storage: DurableObjectStorage,
    handlers: Readonly<Record<Kind, DeadlineHandler>>,
    random: () => number = Math.random,
  ) {
    this.#storage = storage;
    this.#handlers = handlers;
    this.#random = random;
    this.#hasTable = tableExists(this.#storage.sql, TABLE);
    const earliest = this.#earliest();
    if (earliest === null) return;
    this.#armedFor = earliest;
    this.#checkAlarm(earliest).catch((error: unknown) => log.error("an alarm could not be checked", { error }));
  }

  /** Sets or moves a deadline to `at` (epoch milliseconds). */
  set(kind: Kind, key: string, at: number): void {
    this.#running.delete(nameOf(kind, key));
    this.#makeTable();
    this.#storage.sql.exec(
      `INSERT INTO deadline (kind, key, at, attempts) VALUES (?, ?, ?, 0)
       ON CONFLICT (kind, key) DO UPDATE SET at = excluded.at, attempts = 0 WHERE at <> excluded.at OR attempts <> 0`,
      kind,
      key,
      Math.ceil(at),
    );
    if (at < this.#armedFor) this.#settleSoon();
  }

  /** Sets a deadline, or moves it if it is later. A deadline whose handler runs counts as over. */
  setEarlier(kind: Kind, key: string, at: number): void {
    const known = this.#find(kind, key);
    if (known === null || at < known) this.set(kind, key, at);
  }

  /** Sets a deadline unless there is one. A deadline whose handler runs counts as over. */
  setIfUnset(kind: Kind, key: string, at: number): void {
    if (this.#find(kind, key) === null) this.set(kind, key, at);
  }

  /** Moves a deadline to `at`, if there is one and it is later. */
  advance(kind: Kind, key: string, at: number): void {
    const known = this.#find(kind, key);
    if (known !== null && at < known) this.set(kind, key, at);
  }

  /** The alarm stays set: it costs less to ring for nothing than to set it anew. */
  clear(kind: Kind, key: string): void {
    this.#running.delete(nameOf(kind, key));
    if (!this.#hasTable) return;
    this.#storage.sql.exec("DELETE FROM deadline WHERE kind = ? AND key = ?", kind, key);
  }

  /** Called by the object's alarm: runs what is due at `now` (epoch milliseconds), one after the other, and sets the
   *  alarm for what is next. */
  async run(now: number): Promise<void> {
    this.#armedFor = Infinity;
    if (!this.#hasTable) return;
    try {
      const due = this.#storage.sql
        .exec<DeadlineRow>("SELECT * FROM deadline WHERE at <= ? ORDER BY at LIMIT ?", now, BATCH)
        .toArray();
      for (const row of due) await this.#handle(row, now);
    } finally {
      const next = this.#earliest();
      if (next !== null) this.#arm(next);
    }
  }

  async #handle({ kind, key, at, attempts }: DeadlineRow, now: number): Promise<void> {
    // A handler before this one may have moved or cleared it.
    if (this.#find(kind, key) !== at) return;
    if (!Object.hasOwn(this.#handlers, kind)) {
      log.warn("a deadline has no handler", { kind });
      this.#move(kind, key, now + UNKNOWN_KIND_MS, attempts);
      return;
    }
    const name = nameOf(kind, key);
    this.#running.add(name);
    try {
      await this.#handlers[kind as Kind](key, now);
      if (this.#running.delete(name)) {
        this.#storage.sql.exec("DELETE FROM deadline WHERE kind = ? AND key = ?", kind, key);
      }
    } catch (error) {
      if (error instanceof NotYet) {
        log.info("a deadline's handler is called again", { kind, attempts: attempts + 1, reason: error.message });
      } else {
        log.error("a deadline's handler failed", { kind, attempts: attempts + 1, error });
      }
      const again = now + backOffMs(attempts + 1, this.#random());
      // What the handler has set anew stays, if that is earlier; what it has cleared stays cleared.
      const setAnew = this.#running.delete(name) ? null : this.#find(kind, key);
      this.#move(kind, key, Math.min(again, setAnew ?? Infinity), attempts + 1);
    }
  }

  #move(kind: string, key: string, at: number, attempts: number): void {
    this.#storage.sql.exec(
      "UPDATE deadline SET at = ?, attempts = ? WHERE kind = ? AND key = ?",
      Math.ceil(at),
      attempts,
      kind,
      key,
    );
  }

  #find(kind: string, key: string): number | null {
    if (!this.#hasTable || this.#running.has(nameOf(kind, key))) return null;
    const row = firstRow(
      this.#storage.sql.exec<{ at: number }>("SELECT at FROM deadline WHERE kind = ? AND key = ?", kind, key),
    );
    return row?.at ?? null;
  }

  #earliest(): number | null {
    if (!this.#hasTable) return null;
    return this.#storage.sql.exec<{ next: number | null }>("SELECT min(at) AS next FROM deadline").one().next;
  }

  /** The alarm is set behind the turn's own work, once, and only for what a transaction rolled back has not undone. */
  #settleSoon(): void {
    if (this.#settling) return;
    this.#settling = true;
    Promise.resolve()
      .then(() => this.#settle())
      .catch((error: unknown) => log.error("an alarm could not be set", { error }));
  }

  #settle(): void {
    this.#settling = false;
    this.#hasTable = tableExists(this.#storage.sql, TABLE);
    const next = this.#earliest();
    if (next !== null) this.#arm(next);
  }

  /** Setting an alarm is a billed row: only for what is earlier than what it is set for. */
  #arm(at: number): void {
    if (this.#armedFor <= at) return;
    this.#armedFor = at;
    void this.#storage.setAlarm(Math.min(at, ALARM_LAST));
  }

  /** The platform gives an alarm up when the object has died six times of it. Any later event brings it back. */
  async #checkAlarm(earliest: number): Promise<void> {
    const alarm = await this.#storage.getAlarm();
    if (this.#armedFor !== earliest) return;
    if (alarm === null || alarm > earliest) await this.#storage.setAlarm(Math.min(earliest, ALARM_LAST));
  }

  #makeTable(): void {
    if (this.#hasTable) return;
    this.#hasTable = true;
    this.#settleSoon();
    this.#storage.sql.exec(
      `CREATE TABLE deadline (kind TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, attempts INTEGER NOT NULL,
         PRIMARY KEY (kind, key)) WITHOUT ROWID;
       CREATE INDEX deadline_at ON deadline (at)`,
    );
  }
}

/** Thrown by a handler that has done what it could, through no fault of its own, and wants to be called again. */
export class NotYet extends Error {
  override readonly name = "NotYet";
}

function nameOf(kind: string, key: string): string {
  return `${kind} ${key}`;
}
