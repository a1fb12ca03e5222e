// Users that changed lately: an edge that judged by an older revision must look again. Kept for as long as an edge may
// hold what a user was.

import { limits } from "../../broker/limits.ts";
import { firstRow } from "../../platform/first-row.ts";

/** Twice what an edge may cache, since clocks and calls take their time. */
const KEPT_MS = 2 * limits.principalCacheMs;

export class PrincipalChanges {
  readonly #sql: SqlStorage;
  /** Any change is kept: mostly none is, and then nothing is asked. */
  #any: boolean;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#any = sql.exec("SELECT 1 FROM principal_change LIMIT 1").toArray().length > 0;
  }

  /** The revision that made the latest change of a user; 0: none lately. */
  revisionOf(username: string): number {
    if (!this.#any) return 0;
    const row = firstRow(
      this.#sql.exec<{ revision: number }>("SELECT revision FROM principal_change WHERE username = ?", username),
    );
    return row?.revision ?? 0;
  }

  /** All that are kept. */
  all(): { username: string; revision: number }[] {
    return this.#sql
      .exec<{ username: string; revision: number }>("SELECT username, revision FROM principal_change ORDER BY username")
      .toArray();
  }

  add(username: string, revision: number, now: number): void {
    this.forget(now);
    this.#any = true;
    this.#sql.exec(
      `INSERT INTO principal_change (username, revision, at) VALUES (?1, ?2, ?3)
       ON CONFLICT (username) DO UPDATE SET revision = max(revision, ?2), at = ?3`,
      username,
      revision,
      now,
    );
  }

  forget(now: number): void {
    if (!this.#any) return;
    this.#sql.exec("DELETE FROM principal_change WHERE at < ?", now - KEPT_MS);
    this.#any = this.#sql.exec("SELECT 1 FROM principal_change LIMIT 1").toArray().length > 0;
  }
}
