// The shards of a deployment: which there are, what each has confirmed, and how all of them are called. A shard that
// was ever called stays listed until it is erased.

import { limits } from "../../broker/limits.ts";
import type { ShardCounts } from "../../contracts/deployment-config.ts";
import { log } from "../../platform/log.ts";

const CALLS_AT_A_TIME = 16;

export type ShardKind = "session" | "topic";

export interface ShardRow extends Record<string, SqlStorageValue> {
  kind: ShardKind;
  number: number;
  version: number;
  erased: number;
}

export class ShardList {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Lists shards 0 to `count - 1` of each kind, before the first of them is called. */
  expect(shards: ShardCounts): void {
    for (const kind of ["topic", "session"] as const) {
      for (let number = 0; number < shards[kind]; number++) {
        this.#sql.exec("INSERT OR IGNORE INTO shard (kind, number) VALUES (?, ?)", kind, number);
      }
    }
  }

  all(): ShardRow[] {
    return this.#sql.exec<ShardRow>("SELECT * FROM shard ORDER BY kind, number").toArray();
  }

  of(kind: ShardKind): ShardRow[] {
    return this.#sql.exec<ShardRow>("SELECT * FROM shard WHERE kind = ? ORDER BY number", kind).toArray();
  }

  /** Those that have not confirmed the config of this serial; topic shards first, since sessions need them. */
  behind(serial: number): ShardRow[] {
    return this.#sql
      .exec<ShardRow>("SELECT * FROM shard WHERE version < ? ORDER BY kind DESC, number", serial)
      .toArray();
  }

  confirmed({ kind, number }: ShardRow, serial: number): void {
    const row = [serial, kind, number];
    this.#sql.exec("UPDATE shard SET version = max(version, ?) WHERE kind = ? AND number = ?", ...row);
  }

  /** Those whose storage was not erased so often. */
  unerased(times: number): ShardRow[] {
    return this.#sql.exec<ShardRow>("SELECT * FROM shard WHERE erased < ? ORDER BY kind, number", times).toArray();
  }

  erased({ kind, number }: ShardRow, times: number): void {
    this.#sql.exec("UPDATE shard SET erased = max(erased, ?) WHERE kind = ? AND number = ?", times, kind, number);
  }
}

/** Calls each shard, some at a time; a call that takes longer than `limits.callTimeoutMs` has failed. Returns how many
 *  failed. `what` names the call in the log. */
export async function callShards(
  what: string,
  shards: readonly ShardRow[],
  call: (shard: ShardRow) => Promise<void>,
): Promise<number> {
  let next = 0;
  let failed = 0;
  const work = async () => {
    for (let shard = shards[next++]; shard !== undefined; shard = shards[next++]) {
      try {
        await inTime(call(shard), limits.callTimeoutMs);
      } catch (error) {
        failed += 1;
        log.warn("a shard could not be told", { what, kind: shard.kind, number: shard.number, error: String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_A_TIME, shards.length) }, work));
  return failed;
}

/** What a call answers. Throws if it does not for so long. */
export async function inTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}
