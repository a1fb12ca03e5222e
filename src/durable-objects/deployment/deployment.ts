// One object a deployment: its config, users and API keys, which it brings to shards and edges, and its end. A shell:
// calls and alarms come in here, ServedDeployment and Erasure do the work.

import { DurableObject } from "cloudflare:workers";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { deploymentConfigSchema } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { ApiKeyInfo, ApiKeyRecord, Principal } from "../../contracts/principal.ts";
import type {
  Admission,
  DeletionProgress,
  DeploymentRpc,
  InitialCredentials,
  NotProvisioned,
  Outcome,
  Overload,
  Page,
  Sharding,
  UserInfo,
} from "../../contracts/rpc.ts";
import { Deadlines } from "../../platform/deadlines.ts";
import type { Env } from "../../platform/env.ts";
import { DeploymentRecord } from "./deployment-record.ts";
import { Erasure } from "./erasure.ts";
import { ServedDeployment } from "./served-deployment.ts";
import { waitAtMost } from "./wait-at-most.ts";

/** How long `destroy` waits for the shards; the alarm goes on. */
const ERASE_WAIT_MS = 5_000;

const notProvisioned = { ok: false, error: "not_provisioned" } as const;

export class Deployment extends DurableObject<Env> implements DeploymentRpc {
  readonly #deadlines: Deadlines<"push" | "users" | "move" | "erase" | "erase_again">;
  #erasure: Erasure | null;
  #served: ServedDeployment | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#deadlines = new Deadlines(context.storage, {
      push: () => this.#served?.pushConfig(),
      users: () => this.#served?.pushUsers(),
      move: () => this.#served?.resharding.run(),
      erase: (_key, now) => this.#erasure?.erase(now),
      erase_again: () => this.#erasure?.eraseAgain(),
    });
    this.#erasure = Erasure.load(context.storage, env, this.#deadlines);
    if (this.#erasure !== null) return;
    const record = DeploymentRecord.load(context.storage);
    if (record !== null) this.#served = this.#serve(record);
  }

  override async alarm(): Promise<void> {
    if (this.#erasure?.finished === true) return;
    await this.#deadlines.run(Date.now());
    await this.#erasure?.finish();
  }

  // ---- Life ---------------------------------------------------------------------------------------------------------

  async configure(
    deploymentId: string,
    config: DeploymentConfig,
    credentials: InitialCredentials | null,
  ): Promise<Outcome<{ version: number; everywhere: boolean }, "deleted">> {
    if (this.#erasure !== null) return { ok: false, error: "deleted" };
    const valid = deploymentConfigSchema.parse(config);
    const now = Date.now();
    const known = this.#served;
    const served = this.ctx.storage.transactionSync(() => {
      if (known === null) return this.#provision(this.#ownId(deploymentId), valid, credentials, now);
      if (known.record.update(valid)) known.expectShards(now);
      return known;
    });
    this.#served = served;
    const everywhere = await served.pushed();
    return { ok: true, value: { version: served.record.config.version, everywhere } };
  }

  async destroy(deploymentId: string): Promise<DeletionProgress> {
    const now = Date.now();
    if (this.#erasure === null) {
      this.#served?.end();
      this.#served = null;
      this.#erasure = Erasure.begin(this.ctx.storage, this.env, this.#deadlines, this.#ownId(deploymentId), now);
    }
    const erasure = this.#erasure;
    if (!erasure.done) await waitAtMost(ERASE_WAIT_MS, erasure.erase(now));
    return { done: erasure.done };
  }

  // ---- Shards -------------------------------------------------------------------------------------------------------

  async sharding(): Promise<Outcome<Sharding, NotProvisioned>> {
    return this.#served === null ? notProvisioned : { ok: true, value: this.#served.resharding.progress };
  }

  async overloaded(kind: "session" | "topic", index: number, what: Overload): Promise<void> {
    this.#served?.resharding.overloaded(kind, index, what);
  }

  async ping(): Promise<true> {
    this.ctx.storage.sql.exec("SELECT 1").one();
    return true;
  }

  // ---- Principals and API keys --------------------------------------------------------------------------------------

  async admit(username: string | null): Promise<Outcome<Admission, NotProvisioned>> {
    const served = this.#served;
    if (served === null) return notProvisioned;
    const { config, revision } = served.record;
    const lookup = username === null ? null : { revision, principal: served.users.find(username) };
    return { ok: true, value: { config, lookup } };
  }

  async findApiKey(key: string): Promise<Outcome<ApiKeyRecord | null, NotProvisioned>> {
    return this.#served === null ? notProvisioned : { ok: true, value: this.#served.apiKeys.find(key) };
  }

  async listApiKeys(): Promise<Outcome<ApiKeyInfo[], NotProvisioned>> {
    return this.#served === null ? notProvisioned : { ok: true, value: this.#served.apiKeys.list() };
  }

  async addApiKey(record: ApiKeyRecord): Promise<Outcome<ApiKeyInfo, NotProvisioned | "limit_reached" | "exists">> {
    if (this.#served === null) return notProvisioned;
    const outcome = this.#served.apiKeys.add(record);
    if (outcome !== "added") return { ok: false, error: outcome };
    const { key, name, createdAt } = record;
    return { ok: true, value: { key, name, createdAt } };
  }

  async removeApiKey(key: string): Promise<Outcome<boolean, NotProvisioned>> {
    return this.#served === null ? notProvisioned : { ok: true, value: this.#served.apiKeys.remove(key) };
  }

  async listUsers(
    page: Page,
    likeUsername: string | null,
    isSuperuser: boolean | null = null,
  ): Promise<Outcome<{ users: UserInfo[]; count: number }, NotProvisioned>> {
    if (this.#served === null) return notProvisioned;
    return { ok: true, value: this.#served.users.list(page, likeUsername, isSuperuser) };
  }

  async findUser(username: string): Promise<Outcome<UserInfo | null, NotProvisioned>> {
    if (this.#served === null) return notProvisioned;
    const user = this.#served.users.find(username);
    return { ok: true, value: user === null ? null : { username, isSuperuser: user.isSuperuser } };
  }

  async addUser(
    principal: Principal,
  ): Promise<Outcome<{ everywhere: boolean }, NotProvisioned | "exists" | "limit_reached">> {
    if (this.#served === null) return notProvisioned;
    const outcome = this.#served.users.add(principal);
    // Nobody is refused from a cache without a look here, so a new user counts everywhere at once.
    return outcome === "added" ? { ok: true, value: { everywhere: true } } : { ok: false, error: outcome };
  }

  async updateUser(
    username: string,
    change: { verifier: Principal["verifier"] | null; isSuperuser: boolean | null },
  ): Promise<Outcome<{ everywhere: boolean }, NotProvisioned | "not_found">> {
    if (this.#served === null) return notProvisioned;
    const value = await this.#served.updateUser(username, change, Date.now());
    return value === null ? { ok: false, error: "not_found" } : { ok: true, value };
  }

  async removeUser(username: string): Promise<Outcome<{ everywhere: boolean }, NotProvisioned | "not_found">> {
    if (this.#served === null) return notProvisioned;
    const value = await this.#served.removeUser(username, Date.now());
    return value === null ? { ok: false, error: "not_found" } : { ok: true, value };
  }

  // ---- Inside -------------------------------------------------------------------------------------------------------

  #serve(record: DeploymentRecord): ServedDeployment {
    return new ServedDeployment(this.ctx.storage, this.env, record, this.#deadlines);
  }

  #provision(
    id: DeploymentId,
    config: DeploymentConfig,
    credentials: InitialCredentials | null,
    now: number,
  ): ServedDeployment {
    const served = this.#serve(DeploymentRecord.create(this.ctx.storage.sql, id, config));
    served.expectShards(now);
    if (credentials !== null) {
      served.users.add(credentials.principal);
      served.apiKeys.add(credentials.apiKey);
    }
    return served;
  }

  /** The id, which is this object's name: anything else is a caller's bug and would mix two tenants. */
  #ownId(deploymentId: string): DeploymentId {
    if (this.ctx.id.name !== undefined && this.ctx.id.name !== deploymentId) {
      throw new TypeError("this object belongs to another deployment");
    }
    return deploymentId as DeploymentId;
  }
}
