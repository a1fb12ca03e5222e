// A real deployment for tests: its Deployment object with the shards that it provisions, and ways to break them for a
// while, to evict them and to ring their alarms.

import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import type { DeploymentConfig } from "../../../src/contracts/deployment-config.ts";
import { deploymentObject } from "../../../src/contracts/object-names.ts";
import type { ApiKeyRecord, Principal } from "../../../src/contracts/principal.ts";
import type { Outcome } from "../../../src/contracts/rpc.ts";
import type { Env } from "../../../src/platform/env.ts";
import { makeGeneratedVerifier } from "../../../src/platform/secrets.ts";
import { config, TestDeployment } from "../shards/link-client.ts";

const bindings = env as unknown as Env;

type Stub = Parameters<typeof evictDurableObject>[0];

export const PASSWORD = "the first user's password";
export const API_SECRET = "the first key's secret";

export class WholeDeployment extends TestDeployment {
  get object() {
    return deploymentObject(bindings.DEPLOYMENT, this.id);
  }

  /** Configured with `shards` of each kind, a user `first` and an API key `key`. */
  static async whole(id: string, shards = 1, change: Partial<DeploymentConfig> = {}): Promise<WholeDeployment> {
    const deployment = new WholeDeployment(id, shards);
    const outcome = await deployment.publish(change);
    if (!outcome.ok || !outcome.value.everywhere) throw new Error(JSON.stringify(outcome));
    return deployment;
  }

  async publish(change: Partial<DeploymentConfig> = {}) {
    const credentials = { principal: await user("first", PASSWORD), apiKey: await apiKey("key", API_SECRET) };
    return this.object.configure(this.id, config(this.shards, change), credentials);
  }

  /** Evicts the Deployment object: what it remembers is what it stored. */
  async evictObject(): Promise<void> {
    await evictDurableObject(this.object as unknown as Stub);
  }

  /** Rings the Deployment object's alarm with all its deadlines due; false: none was set. */
  async ring(): Promise<boolean> {
    await inStorage(this.object, (sql) => {
      const [table] = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'deadline'").toArray();
      if (table !== undefined) sql.exec("UPDATE deadline SET at = 1");
    });
    return runDurableObjectAlarm(this.object as unknown as Stub);
  }

  /** Makes the erasure of an object's storage fail; what mends it. */
  async breakErasure(stub: unknown): Promise<() => Promise<void>> {
    await runInDurableObject(stub as Stub, (_instance, { storage }) => {
      storage.deleteAll = () => Promise.reject(new Error("the disk is gone"));
    });
    return () =>
      runInDurableObject(stub as Stub, (_instance, { storage }) => {
        Reflect.deleteProperty(storage, "deleteAll");
      });
  }

  /** Takes a table away from an object until the returned function is called: what needs it fails till then. */
  async breakTable(stub: unknown, table: string): Promise<() => Promise<void>> {
    await inStorage(stub, (sql) => sql.exec(`ALTER TABLE ${table} RENAME TO ${table}_away`));
    return () =>
      inStorage(stub, (sql) => sql.exec(`ALTER TABLE ${table}_away RENAME TO ${table}`)).then(() => undefined);
  }
}

export async function inStorage<T>(stub: unknown, work: (sql: SqlStorage) => T): Promise<T> {
  return runInDurableObject(stub as Stub, (_instance, { storage }) => work(storage.sql));
}

/** Names of the tables that an object has, but for the platform's own. */
export function tables(stub: unknown): Promise<string[]> {
  return inStorage(stub, (sql) =>
    sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .toArray()
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("_cf_")),
  );
}

export async function user(username: string, password: string, isSuperuser = false): Promise<Principal> {
  return { username, isSuperuser, verifier: await makeGeneratedVerifier(password) };
}

export async function apiKey(key: string, secret: string): Promise<ApiKeyRecord> {
  return { key, name: `name of ${key}`, createdAt: 1, verifier: await makeGeneratedVerifier(secret) };
}

export function valueOf<T>(outcome: Outcome<T, string>): T {
  if (!outcome.ok) throw new Error(outcome.error);
  return outcome.value;
}
