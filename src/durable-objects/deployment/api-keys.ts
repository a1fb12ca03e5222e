// The keys of the deployment's own API: verifiers, never secrets.

import { limits } from "../../broker/limits.ts";
import type { ApiKeyInfo, ApiKeyRecord } from "../../contracts/principal.ts";
import { verifierSchema } from "../../contracts/principal.ts";
import { firstRow } from "../../platform/first-row.ts";

interface ApiKeyRow extends Record<string, SqlStorageValue> {
  key: string;
  name: string;
  created_at: number;
  verifier: string;
}

export class ApiKeys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(key: string): ApiKeyRecord | null {
    const row = firstRow(this.#sql.exec<ApiKeyRow>("SELECT * FROM api_key WHERE key = ?", key));
    return row === undefined ? null : { ...infoOf(row), verifier: verifierSchema.parse(JSON.parse(row.verifier)) };
  }

  /** All of them, the oldest first. */
  list(): ApiKeyInfo[] {
    return this.#sql.exec<ApiKeyRow>("SELECT * FROM api_key ORDER BY created_at, key").toArray().map(infoOf);
  }

  add({ key, name, createdAt, verifier }: ApiKeyRecord): "added" | "exists" | "limit_reached" {
    if (this.find(key) !== null) return "exists";
    const { n } = this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM api_key").one();
    if (n >= limits.apiKeysPerDeployment) return "limit_reached";
    const row = [key, name, createdAt, JSON.stringify(verifier)];
    this.#sql.exec("INSERT INTO api_key (key, name, created_at, verifier) VALUES (?, ?, ?, ?)", ...row);
    return "added";
  }

  /** False: there is none. */
  remove(key: string): boolean {
    return this.#sql.exec("DELETE FROM api_key WHERE key = ? RETURNING key", key).toArray().length > 0;
  }
}

function infoOf({ key, name, created_at }: ApiKeyRow): ApiKeyInfo {
  return { key, name, createdAt: created_at };
}
