// A provisioned deployment: keeps what its shards and edges must know, and tells them until all of them do.

import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { serialOf } from "../../contracts/deployment-config.ts";
import { sessionShardObject, topicShardObject } from "../../contracts/object-names.ts";
import type { Principal } from "../../contracts/principal.ts";
import { NotYet } from "../../platform/deadlines.ts";
import type { Env } from "../../platform/env.ts";
import { ApiKeys } from "./api-keys.ts";
import type { DeploymentRecord } from "./deployment-record.ts";
import { Resharding } from "./resharding.ts";
import { callShards, ShardList } from "./shard-list.ts";
import type { ShardRow } from "./shard-list.ts";
import type { UserChange } from "./users.ts";
import { Users } from "./users.ts";
import { waitAtMost } from "./wait-at-most.ts";

/** How long an answer waits for the shards; after that the alarm tells them alone. */
const WAIT_MS = 5_000;
/** The alarm looks after what a call began, should the object die in it. */
const RETRY_MS = 2_000;
const CHANGES_AT_A_TIME = 100;

/** Its deadlines: `push` brings the config to the shards, `users` the changes of users, `move` moves slots. */
export interface ServedDeadlines {
  set(kind: "push" | "users" | "move", key: string, at: number): void;
  setIfUnset(kind: "push" | "users" | "move", key: string, at: number): void;
  clear(kind: "push" | "users" | "move", key: string): void;
}

export class ServedDeployment {
  readonly record: DeploymentRecord;
  readonly users: Users;
  readonly apiKeys: ApiKeys;
  readonly resharding: Resharding;
  readonly #shards: ShardList;
  readonly #env: Env;
  readonly #deadlines: ServedDeadlines;
  /** False once the deployment is being erased: whatever was under way then writes no more. */
  #serves = true;

  constructor(storage: DurableObjectStorage, env: Env, record: DeploymentRecord, deadlines: ServedDeadlines) {
    const { sql } = storage;
    this.record = record;
    this.users = new Users(sql);
    this.apiKeys = new ApiKeys(sql);
    this.#shards = new ShardList(sql);
    this.#env = env;
    this.#deadlines = deadlines;
    this.resharding = new Resharding({
      storage,
      record,
      shards: this.#shards,
      session: (index) => sessionShardObject(env.SESSION_SHARD, record.id, index),
      topic: (index) => topicShardObject(env.TOPIC_SHARD, record.id, index),
      serves: () => this.#serves,
      issued: () => this.#deadlines.set("push", "", Date.now() + RETRY_MS),
      push: () => this.pushConfig(),
      runAt: (at) => this.#deadlines.set("move", "", at),
      done: () => this.#deadlines.clear("move", ""),
      now: Date.now,
    });
  }

  end(): void {
    this.#serves = false;
  }

  /** Takes note of a new config, to be stored in the same transaction; `push` then tells the shards. */
  expectShards(now: number): void {
    this.#shards.expect(this.record.wanted);
    this.#deadlines.set("push", "", now + RETRY_MS);
    this.resharding.look();
  }

  /** Tells the shards that are behind; true when none is. Waits `WAIT_MS` at most: the alarm goes on. */
  async pushed(): Promise<boolean> {
    if (this.#everywhere()) return true;
    await waitAtMost(WAIT_MS, this.pushConfig());
    return this.#serves && this.#everywhere();
  }

  /** One attempt at every shard that is behind. Throws NotYet when one is left behind. */
  async pushConfig(): Promise<void> {
    const { config } = this.record;
    await callShards("configure", this.#shards.behind(serialOf(config)), async (shard) => {
      const serial = await this.#configure(shard, config);
      if (this.#serves) this.#shards.confirmed(shard, serial);
    });
    if (!this.#serves) return;
    if (!this.#everywhere()) throw new NotYet("not every shard has the config");
    this.#deadlines.clear("push", "");
  }

  /** Changes a user and tells the shards. Null leaves a field as it is. Null as the answer: there is no such user. */
  async updateUser(
    username: string,
    change: { verifier: Principal["verifier"] | null; isSuperuser: boolean | null },
    now: number,
  ): Promise<{ everywhere: boolean } | null> {
    const user = this.users.find(username);
    if (user === null) return null;
    const isSuperuser = change.isSuperuser ?? user.isSuperuser;
    if (change.verifier !== null || isSuperuser !== user.isSuperuser) {
      const verifier = change.verifier ?? user.verifier;
      this.users.update({ username, isSuperuser, verifier }, this.record.nextRevision());
      this.#deadlines.setIfUnset("users", "", now + RETRY_MS);
    }
    return { everywhere: await this.#userPushed(username) };
  }

  /** Null: there is no such user. */
  async removeUser(username: string, now: number): Promise<{ everywhere: boolean } | null> {
    if (this.users.find(username) === null) return null;
    this.users.remove(username, this.record.nextRevision());
    this.#deadlines.setIfUnset("users", "", now + RETRY_MS);
    return { everywhere: await this.#userPushed(username) };
  }

  /** Tells what waits. Throws NotYet when a shard could not be told. */
  async pushUsers(): Promise<void> {
    for (;;) {
      const changes = this.#serves ? this.users.changes(CHANGES_AT_A_TIME) : [];
      for (const change of changes) {
        if (!(await this.#pushUser(change))) throw new NotYet("not every shard has the users' changes");
      }
      if (changes.length < CHANGES_AT_A_TIME) return;
    }
  }

  async #userPushed(username: string): Promise<boolean> {
    const change = this.users.changeOf(username);
    if (change === null) return true;
    await waitAtMost(WAIT_MS, this.#pushUser(change));
    if (!this.#serves) return false;
    if (this.users.waiting() === 0) this.#deadlines.clear("users", "");
    return this.users.changeOf(username) === null;
  }

  async #pushUser(change: UserChange): Promise<boolean> {
    const { username, revision, removed } = change;
    const failed = await callShards("principalChanged", this.#shards.of("session"), ({ number }) =>
      sessionShardObject(this.#env.SESSION_SHARD, this.record.id, number).principalChanged(
        username,
        revision,
        removed === 1,
      ),
    );
    if (failed === 0 && this.#serves) this.users.confirmed(change);
    return failed === 0;
  }

  #everywhere(): boolean {
    return this.#shards.behind(serialOf(this.record.config)).length === 0;
  }

  #configure({ kind, number }: ShardRow, config: DeploymentConfig): Promise<number> {
    const { id } = this.record;
    const shard =
      kind === "session"
        ? sessionShardObject(this.#env.SESSION_SHARD, id, number)
        : topicShardObject(this.#env.TOPIC_SHARD, id, number);
    return shard.configure(id, number, config);
  }
}
