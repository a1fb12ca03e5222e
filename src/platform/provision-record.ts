// What every object of a deployment keeps of itself in its table `meta`: whose it is, the config in force, and counters.
// An object without it was never provisioned, refuses everything and writes nothing.

import type { DeploymentConfig } from "../contracts/deployment-config.ts";
import { deploymentConfigSchema, serialOf } from "../contracts/deployment-config.ts";
import type { DeploymentId } from "../contracts/deployment-id.ts";
import { migrate } from "./sql-migrations.ts";
import { tableExists } from "./table-exists.ts";

/** Migrations given to it must create `meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID`. */
export class ProvisionRecord {
  readonly deploymentId: DeploymentId;
  readonly #sql: SqlStorage;
  #config: DeploymentConfig;
  readonly #numbers: Map<string, number>;

  private constructor(
    sql: SqlStorage,
    deploymentId: DeploymentId,
    config: DeploymentConfig,
    numbers: Map<string, number>,
  ) {
    this.#sql = sql;
    this.deploymentId = deploymentId;
    this.#config = config;
    this.#numbers = numbers;
  }

  /** Null: not provisioned. Runs what is new of `migrations`. */
  static load(storage: DurableObjectStorage, migrations: readonly string[]): ProvisionRecord | null {
    const { sql } = storage;
    if (!tableExists(sql, "meta")) return null;
    storage.transactionSync(() => migrate(sql, migrations)); // A half of them must not stay.
    const texts = new Map<string, string>();
    const numbers = new Map<string, number>();
    for (const { key, value } of sql.exec<{ key: string; value: string | number }>("SELECT key, value FROM meta")) {
      if (typeof value === "number") numbers.set(key, value);
      else texts.set(key, value);
    }
    const config = deploymentConfigSchema.parse(JSON.parse(texts.get("config") ?? ""));
    return new ProvisionRecord(sql, (texts.get("deployment") ?? "") as DeploymentId, config, numbers);
  }

  /** Makes the object a deployment's. To be called within `transactionSync`. */
  static create(
    sql: SqlStorage,
    migrations: readonly string[],
    deploymentId: DeploymentId,
    config: DeploymentConfig,
  ): ProvisionRecord {
    migrate(sql, migrations);
    const record = new ProvisionRecord(sql, deploymentId, config, new Map());
    record.#put("deployment", deploymentId);
    record.#put("config", JSON.stringify(config));
    return record;
  }

  get config(): DeploymentConfig {
    return this.#config;
  }

  /** True if the config is newer than the one in force, which it then replaces. */
  updateConfig(config: DeploymentConfig): boolean {
    if (serialOf(config) <= serialOf(this.#config)) return false;
    this.#put("config", JSON.stringify(config));
    this.#config = config;
    return true;
  }

  /** 0 if it was never set. */
  number(key: string): number {
    return this.#numbers.get(key) ?? 0;
  }

  setNumber(key: string, value: number): void {
    this.#put(key, value);
    this.#numbers.set(key, value);
  }

  #put(key: string, value: string | number): void {
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
  }
}
