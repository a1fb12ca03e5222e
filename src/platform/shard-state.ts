// What every shard keeps of itself: whose it is, its index, the config in force, how often it has started. An object
// without it was never provisioned, refuses everything and writes nothing.

import type { DeploymentConfig } from "../contracts/deployment-config.ts";
import { deploymentConfigSchema } from "../contracts/deployment-config.ts";
import type { DeploymentId } from "../contracts/deployment-id.ts";
import { migrate } from "./sql-migrations.ts";

/** Migrations given to `provision` must create `meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID`. */
export class ShardState {
  readonly deploymentId: DeploymentId;
  readonly index: number;
  #config: DeploymentConfig;
  readonly #sql: SqlStorage;
  #incarnation: number | null = null;

  private constructor(sql: SqlStorage, deploymentId: string, index: number, config: DeploymentConfig) {
    this.#sql = sql;
    this.deploymentId = deploymentId as DeploymentId;
    this.index = index;
    this.#config = config;
  }

  /** Null: not provisioned. Runs what is new of `migrations`. */
  static load(storage: DurableObjectStorage, migrations: readonly string[]): ShardState | null {
    const { sql } = storage;
    const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'meta'").toArray().length > 0;
    if (!exists) return null;
    storage.transactionSync(() => migrate(sql, migrations)); // A half of them must not stay.
    const meta = new Map<string, SqlStorageValue>();
    for (const { key, value } of sql.exec<{ key: string; value: SqlStorageValue }>("SELECT key, value FROM meta")) {
      meta.set(key, value);
    }
    const config = deploymentConfigSchema.parse(JSON.parse(String(meta.get("config"))));
    return new ShardState(sql, String(meta.get("deployment")), Number(meta.get("index")), config);
  }

  /** Makes this object a shard of a deployment. */
  static provision(
    storage: DurableObjectStorage,
    migrations: readonly string[],
    deploymentId: string,
    index: number,
    config: DeploymentConfig,
  ): ShardState {
    const { sql } = storage;
    const state = new ShardState(sql, deploymentId, index, config);
    storage.transactionSync(() => {
      migrate(sql, migrations);
      state.#put("deployment", deploymentId);
      state.#put("index", index);
      state.#put("config", JSON.stringify(config));
    });
    return state;
  }

  get config(): DeploymentConfig {
    return this.#config;
  }

  /** True if the config is newer than the one in force, which it then replaces. */
  updateConfig(config: DeploymentConfig): boolean {
    if (config.version <= this.#config.version) return false;
    this.#put("config", JSON.stringify(config));
    this.#config = config;
    return true;
  }

  /** How often this object has started and spoken to others; counted at the first use. */
  get incarnation(): number {
    if (this.#incarnation === null) {
      const [row] = this.#sql.exec<{ value: number }>("SELECT value FROM meta WHERE key = 'incarnation'");
      this.#incarnation = (row?.value ?? 0) + 1;
      this.#put("incarnation", this.#incarnation);
    }
    return this.#incarnation;
  }

  #put(key: string, value: SqlStorageValue): void {
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
  }
}
