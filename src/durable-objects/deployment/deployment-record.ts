// What a deployment is by itself: its id, the config in force, and the counter of changes to its users.

import type { DeploymentConfig, Placement, PlacementConfig, ShardCounts } from "../../contracts/deployment-config.ts";
import { changedIn, placementOf, serialOf } from "../../contracts/deployment-config.ts";
import type { SlotMap } from "../../broker/topics/slot-map.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import { ProvisionRecord } from "../../platform/provision-record.ts";
import { migrations } from "./schema.ts";

const kinds = ["session", "topic"] as const;

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

  /** Where slots live. */
  get placement(): Placement {
    return placementOf(this.config);
  }

  /** How many shards there shall be. */
  get wanted(): ShardCounts {
    const { shards, growth } = this.config;
    // Where it does not grow by itself, what it once has grown to does not count.
    if (growth === undefined) return shards;
    return {
      session: Math.max(shards.session, this.#record.number("grown_session")),
      topic: Math.max(shards.topic, this.#record.number("grown_topic")),
    };
  }

  /** The deployment has grown by itself; `now`: epoch milliseconds. */
  grow(kind: "session" | "topic", shards: number, now: number): void {
    this.#record.setNumber(`grown_${kind}`, shards);
    this.#record.setNumber("grown_at", now);
  }

  /** When it last did, epoch milliseconds; 0: never. */
  get grownAt(): number {
    return this.#record.number("grown_at");
  }

  /** True if the control plane's config is newer than the one in force, which it then replaces. Slots stay where they are. */
  update(config: DeploymentConfig): boolean {
    if (config.version <= this.config.version) return false;
    if (config.growth === undefined) for (const kind of kinds) this.#record.setNumber(`grown_${kind}`, 0);
    const placement = this.config.placement ?? written(this.placement);
    return this.#issue({ ...config, placement, changedIn: this.#nextSerial(config) });
  }

  /** Slots live elsewhere from now on, or other topic shards are held. */
  place(placement: Placement): void {
    const { config } = this;
    this.#issue({ ...config, placement: written(placement), changedIn: changedIn(config) });
  }

  #issue(config: DeploymentConfig): boolean {
    return this.#record.updateConfig({ ...config, serial: this.#nextSerial(config) });
  }

  /** The control plane counts its versions by itself: a serial is never below one. */
  #nextSerial({ version }: DeploymentConfig): number {
    return Math.max(serialOf(this.config) + 1, version);
  }

  /** How many moves were given up since the last that was made. */
  get failedMoves(): number {
    return this.#record.number("failed_moves");
  }

  set failedMoves(count: number) {
    if (count !== this.failedMoves) this.#record.setNumber("failed_moves", count);
  }

  /** A number for a move, higher than all before. */
  nextMove(): number {
    this.#record.setNumber("moves", this.#record.number("moves") + 1);
    return this.#record.number("moves");
  }

  nextRevision(): number {
    this.#record.setNumber("revision", this.revision + 1);
    return this.revision;
  }
}

function written({ session, topic, held, move }: Placement): PlacementConfig {
  return { session: mutable(session), topic: mutable(topic), held: Array.from(held), move };
}

function mutable({ runs }: SlotMap): [number, number][] {
  return runs.map(([shard, slots]) => [shard, slots]);
}
