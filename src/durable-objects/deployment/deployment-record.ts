// What a deployment is by itself: its id, the config in force, and the counter of changes to its users. An object
// without it was never provisioned and writes nothing.

import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { deploymentConfigSchema } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import { migrate } from "../../platform/sql-migrations.ts";
import { migrations } from "./schema.ts";

export class DeploymentRecord {
  readonly id: DeploymentId;
  readonly #sql: SqlStorage;
  #config: DeploymentConfig;
  #revision: number;

  private constructor(sql: SqlStorage, id: DeploymentId, config: DeploymentConfig, revision: number) {
    this.#sql = sql;
    this.id = id;
    this.#config = config;
    this.#revision = revision;
  }

  /** Null: not provisioned. Runs what is new of the migrations. */
  static load(sql: SqlStorage): DeploymentRecord | null {
    const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'meta'").toArray().length > 0;
    if (!exists) return null;
    migrate(sql, migrations);
    const meta = new Map<string, SqlStorageValue>();
    for (const { key, value } of sql.exec<{ key: string; value: SqlStorageValue }>("SELECT key, value FROM meta")) {
      meta.set(key, value);
    }
    const config = deploymentConfigSchema.parse(JSON.parse(String(meta.get("config"))));
    return new DeploymentRecord(
      sql,
      String(meta.get("deployment")) as DeploymentId,
      config,
      Number(meta.get("revision")),
    );
  }

  /** Makes this object the deployment's. */
  static create(sql: SqlStorage, id: DeploymentId, config: DeploymentConfig): DeploymentRecord {
    migrate(sql, migrations);
    const record = new DeploymentRecord(sql, id, config, 0);
    record.#put("deployment", id);
    record.#put("config", JSON.stringify(config));
    record.#put("revision", 0);
    return record;
  }

  get config(): DeploymentConfig {
    return this.#config;
  }

  /** How many changes to users there were. */
  get revision(): number {
    return this.#revision;
  }

  /** True if the config is newer than the one in force, which it then replaces. */
  update(config: DeploymentConfig): boolean {
    if (config.version <= this.#config.version) return false;
    this.#put("config", JSON.stringify(config));
    this.#config = config;
    return true;
  }

  nextRevision(): number {
    this.#revision += 1;
    this.#put("revision", this.#revision);
    return this.#revision;
  }

  #put(key: string, value: SqlStorageValue): void {
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
  }
}
