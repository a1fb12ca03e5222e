// What every shard keeps of itself: whose it is, its index, the config in force, how often it has started.

import type { DeploymentConfig, Placement } from "../contracts/deployment-config.ts";
import { placementOf } from "../contracts/deployment-config.ts";
import type { DeploymentId } from "../contracts/deployment-id.ts";
import { ProvisionRecord } from "./provision-record.ts";

export class ShardState {
  readonly deploymentId: DeploymentId;
  readonly index: number;
  readonly #record: ProvisionRecord;
  #incarnation: number | null = null;
  #placement: Placement;

  private constructor(record: ProvisionRecord) {
    this.#record = record;
    this.#placement = placementOf(record.config);
    this.deploymentId = record.deploymentId;
    this.index = record.number("index");
  }

  /** Null: not provisioned. Runs what is new of `migrations`. */
  static load(storage: DurableObjectStorage, migrations: readonly string[]): ShardState | null {
    const record = ProvisionRecord.load(storage, migrations);
    return record === null ? null : new ShardState(record);
  }

  /** Makes this object a shard of a deployment. */
  static provision(
    storage: DurableObjectStorage,
    migrations: readonly string[],
    deploymentId: string,
    index: number,
    config: DeploymentConfig,
  ): ShardState {
    return storage.transactionSync(() => {
      const record = ProvisionRecord.create(storage.sql, migrations, deploymentId as DeploymentId, config);
      record.setNumber("index", index);
      return new ShardState(record);
    });
  }

  get config(): DeploymentConfig {
    return this.#record.config;
  }

  /** Where slots live. */
  get placement(): Placement {
    return this.#placement;
  }

  /** True if the config is newer than the one in force, which it then replaces. */
  updateConfig(config: DeploymentConfig): boolean {
    const newer = this.#record.updateConfig(config);
    if (newer) this.#placement = placementOf(config);
    return newer;
  }

  /** How often this object has started and spoken to others; counted at the first use. */
  get incarnation(): number {
    if (this.#incarnation === null) {
      this.#incarnation = this.#record.number("incarnation") + 1;
      this.#record.setNumber("incarnation", this.#incarnation);
    }
    return this.#incarnation;
  }
}
