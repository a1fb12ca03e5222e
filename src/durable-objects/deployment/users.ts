// The deployment's users, and their changes that not every session shard knows yet.

import { limits } from "../../broker/limits.ts";
import type { Principal } from "../../contracts/principal.ts";
import { verifierSchema } from "../../contracts/principal.ts";
import type { Page, UserInfo } from "../../contracts/rpc.ts";
import { firstRow } from "../../platform/first-row.ts";

const PAGE_MAX = 10_000;

export interface UserChange extends Record<string, SqlStorageValue> {
  username: string;
  revision: number;
  removed: number;
}

interface UserRow extends Record<string, SqlStorageValue> {
  username: string;
  is_superuser: number;
  verifier: string;
}

export class Users {
  readonly #sql: SqlStorage;
  /** Rows; null: not counted yet. */
  #count: number | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(username: string): Principal | null {
    const row = firstRow(this.#sql.exec<UserRow>("SELECT * FROM user WHERE username = ?", username));
    if (row === undefined) return null;
    return { username, isSuperuser: row.is_superuser === 1, verifier: verifierSchema.parse(JSON.parse(row.verifier)) };
  }

  list(
    { page, limit }: Page,
    likeUsername: string | null,
    isSuperuser: boolean | null,
  ): { users: UserInfo[]; count: number } {
    const rows = Math.min(Math.max(1, Math.floor(limit)), PAGE_MAX);
    const skipped = (Math.max(1, Math.floor(page)) - 1) * rows;
    const where = "(?1 IS NULL OR instr(username, ?1) > 0) AND (?2 IS NULL OR is_superuser = ?2)";
    const filter = [likeUsername, isSuperuser === null ? null : Number(isSuperuser)];
    const count =
      likeUsername === null && isSuperuser === null
        ? this.count()
        : this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM user WHERE ${where}`, ...filter).one().n;
    const users = this.#sql
      .exec<UserRow>(`SELECT * FROM user WHERE ${where} ORDER BY username LIMIT ?3 OFFSET ?4`, ...filter, rows, skipped)
      .toArray()
      .map((row) => ({ username: row.username, isSuperuser: row.is_superuser === 1 }));
    return { users, count };
  }

  count(): number {
    this.#count ??= this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM user").one().n;
    return this.#count;
  }

  add({ username, isSuperuser, verifier }: Principal): "added" | "exists" | "limit_reached" {
    const exists = this.#sql.exec("SELECT 1 FROM user WHERE username = ?", username).toArray().length > 0;
    if (exists) return "exists";
    // Changes that wait count too, so that adding and removing cannot fill their table.
    if (this.count() + this.waiting() >= limits.usersPerDeployment) return "limit_reached";
    const row = [username, isSuperuser ? 1 : 0, JSON.stringify(verifier)];
    this.#sql.exec("INSERT INTO user (username, is_superuser, verifier) VALUES (?, ?, ?)", ...row);
    this.#count = this.count() + 1;
    return "added";
  }

  update({ username, isSuperuser, verifier }: Principal, revision: number): void {
    const row = [isSuperuser ? 1 : 0, JSON.stringify(verifier), username];
    this.#sql.exec("UPDATE user SET is_superuser = ?, verifier = ? WHERE username = ?", ...row);
    this.#await(username, revision, false);
  }

  /** Of a user that exists. */
  remove(username: string, revision: number): void {
    const count = this.count();
    this.#sql.exec("DELETE FROM user WHERE username = ?", username);
    this.#count = count - 1;
    this.#await(username, revision, true);
  }

  /** The change of a user that waits to be known everywhere; null: there is none. */
  changeOf(username: string): UserChange | null {
    const row = firstRow(this.#sql.exec<UserChange>("SELECT * FROM user_change WHERE username = ?", username));
    return row ?? null;
  }

  /** Changes that wait, the oldest first. */
  changes(limit: number): UserChange[] {
    return this.#sql.exec<UserChange>("SELECT * FROM user_change ORDER BY revision LIMIT ?", limit).toArray();
  }

  waiting(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM user_change").one().n;
  }

  /** A change is known everywhere; a newer one of that user still waits. */
  confirmed({ username, revision }: UserChange): void {
    this.#sql.exec("DELETE FROM user_change WHERE username = ? AND revision = ?", username, revision);
  }

  #await(username: string, revision: number, removed: boolean): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO user_change (username, revision, removed) VALUES (?, ?, ?)",
      username,
      revision,
      removed ? 1 : 0,
    );
  }
}
