// What a deployment is by itself: its id, the config in force, and the counter of changes to its users.

import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import { ProvisionRecord } from "../../platform/provision-record.ts";
import { migrations } from "./schema.ts";

export class DeploymentRecord {
  readonly id: DeploymentId;
  readonly #record: ProvisionRecord;

  private constructor(record: ProvisionRecord) {
    this.id = record.deploymentId;
    this.#record = record;
  }

  /** Null: not provisioned. Runs what is new of the migrations. */
  static load(storage: DurableObjectStorage): DeploymentRecord | null {
    const record = ProvisionRecord.load(storage, migrations);
    return record === null ? null : new DeploymentRecord(record);
  }

  /** Makes this object the deployment's. To be called within `transactionSync`. */
  static create(sql: SqlStorage, id: DeploymentId, config: DeploymentConfig): DeploymentRecord {
    const record = ProvisionRecord.create(sql, migrations, id, config);
    record.setNumber("revision", 0);
    return new DeploymentRecord(record);
  }

  get config(): DeploymentConfig {
    return this.#record.config;
  }

  /** How many changes to users there were. */
  get revision(): number {
    return this.#record.number("revision");
  }

  /** True if the config is newer than the one in force, which it then replaces. */
  update(config: DeploymentConfig): boolean {
    return this.#record.updateConfig(config);
  }

  nextRevision(): number {
    this.#record.setNumber("revision", this.revision + 1);
    return this.revision;
  }
}
