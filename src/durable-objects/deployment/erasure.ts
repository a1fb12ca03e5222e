// The end of a deployment: a tombstone, which refuses for ever, then every shard's storage, then the object's own but
// for the tombstone. Each step is stored, so it goes on from the alarm whatever dies in between.

import type { DeploymentId } from "../../contracts/deployment-id.ts";
import { sessionShardObject, topicShardObject } from "../../contracts/object-names.ts";
import { NotYet } from "../../platform/deadlines.ts";
import type { Env } from "../../platform/env.ts";
import { callShards, ShardList } from "./shard-list.ts";
import type { ShardRow } from "./shard-list.ts";

/** The alarm looks after what a call began, should the object die in it. */
const RETRY_MS = 2_000;
/** A config that was on its way when the deployment ended could have provisioned an erased shard again: each is erased
 *  once more when nothing can be on its way any longer. */
const ONCE_MORE_MS = 60_000;
const ONCE = 1;
const TWICE = 2;

export interface ErasureDeadlines {
  set(kind: "erase" | "erase_again", key: string, at: number): void;
  clear(kind: "push" | "users" | "erase", key: string): void;
}

export class Erasure {
  readonly #id: DeploymentId;
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #deadlines: ErasureDeadlines;
  readonly #shards: ShardList;

  private constructor(storage: DurableObjectStorage, env: Env, deadlines: ErasureDeadlines, id: DeploymentId) {
    this.#id = id;
    this.#storage = storage;
    this.#env = env;
    this.#deadlines = deadlines;
    this.#shards = new ShardList(storage.sql);
  }

  /** Null: the deployment was not deleted. */
  static load(storage: DurableObjectStorage, env: Env, deadlines: ErasureDeadlines): Erasure | null {
    const { sql } = storage;
    if (!has(sql, "tombstone")) return null;
    const { deployment } = sql.exec<{ deployment: string }>("SELECT deployment FROM tombstone").one();
    return new Erasure(storage, env, deadlines, deployment as DeploymentId);
  }

  /** Sets the tombstone; from here on nothing of the deployment is served. It need not have been provisioned. */
  static begin(
    storage: DurableObjectStorage,
    env: Env,
    deadlines: ErasureDeadlines,
    id: DeploymentId,
    now: number,
  ): Erasure {
    const { sql } = storage;
    storage.transactionSync(() => {
      sql.exec("CREATE TABLE tombstone (deployment TEXT NOT NULL, deleted_at INTEGER NOT NULL)");
      sql.exec("INSERT INTO tombstone (deployment, deleted_at) VALUES (?, ?)", id, now);
      if (!has(sql, "meta")) return;
      for (const table of ["meta", "user", "user_change", "api_key"]) sql.exec(`DELETE FROM ${table}`);
      deadlines.clear("push", "");
      deadlines.clear("users", "");
      deadlines.set("erase", "", now + RETRY_MS);
    });
    return new Erasure(storage, env, deadlines, id);
  }

  /** Every shard was erased. */
  get done(): boolean {
    return this.finished || this.#shards.unerased(ONCE).length === 0;
  }

  /** Nothing but the tombstone is left. */
  get finished(): boolean {
    return !has(this.#storage.sql, "shard");
  }

  /** One attempt at every shard that still has something. Throws NotYet when one is left. */
  async erase(now: number): Promise<void> {
    if (this.done) return;
    await this.#eraseShards(ONCE);
    if (!this.done) throw new NotYet("not every shard is erased");
    this.#deadlines.clear("erase", "");
    this.#deadlines.set("erase_again", "", now + ONCE_MORE_MS);
  }

  /** The same once more, for good. */
  async eraseAgain(): Promise<void> {
    await this.#eraseShards(TWICE);
    if (this.#shards.unerased(TWICE).length > 0) throw new NotYet("not every shard is erased for good");
  }

  /** Leaves nothing but the tombstone, once nothing else is to be done. */
  async finish(): Promise<void> {
    const { sql } = this.#storage;
    if (this.finished || this.#shards.unerased(TWICE).length > 0) return;
    await this.#storage.deleteAlarm();
    this.#storage.transactionSync(() => {
      const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
      for (const { name } of tables) {
        if (name !== "tombstone" && !name.startsWith("_cf_") && !name.startsWith("sqlite_")) {
          sql.exec(`DROP TABLE "${name}"`);
        }
      }
    });
  }

  async #eraseShards(times: number): Promise<void> {
    await callShards("destroy", this.#shards.unerased(times), async (shard) => {
      await this.#destroy(shard);
      this.#shards.erased(shard, times);
    });
  }

  /** Session shards end their clients first. */
  #destroy({ kind, number }: ShardRow): Promise<void> {
    return kind === "session"
      ? sessionShardObject(this.#env.SESSION_SHARD, this.#id, number).destroy()
      : topicShardObject(this.#env.TOPIC_SHARD, this.#id, number).destroy();
  }
}

function has(sql: SqlStorage, table: string): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table).toArray().length > 0;
}
