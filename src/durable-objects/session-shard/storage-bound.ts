// The bound of what a shard stores, far below what the platform allows: past it nothing new is promised, and the largest
// queues lose their oldest messages, so that the platform's own bound, where every write fails, is never met.

import type { Effect } from "../../broker/session/effects.ts";
import type { Session } from "../../broker/session/session.ts";
import { log } from "../../platform/log.ts";
import type { SqlSessionStore } from "./sql-session-store.ts";

/** Queues that are shortened at a time, and to which part of the bound. */
const QUEUES = 100;
const RELIEVED = 0.9;
/** Of so many queues the room is given back together. */
const TOGETHER = 10;
/** Looking for the largest queues reads them all: not more often than this, if it did not help. */
const PAUSE_MS = 60_000;

export interface StorageBoundPorts {
  sql: SqlStorage;
  store: Pick<SqlSessionStore, "largest" | "reclaim">;
  bytesMax: number;
  effects: Effect[];
  now(): number;
  session(uid: number): Session | null;
}

export class StorageBound {
  readonly #ports: StorageBoundPorts;
  #notBefore = 0;

  constructor(ports: StorageBoundPorts) {
    this.#ports = ports;
  }

  /** Whether the shard stores all that it may. */
  get full(): boolean {
    const { sql, bytesMax } = this.#ports;
    return sql.databaseSize >= bytesMax;
  }

  /** To be called behind writes: shortens the largest queues if the shard is full. `stored`: its bytes now, since to ask for
   *  them is a query. */
  keep(stored: number): void {
    const { effects, now, store, bytesMax } = this.#ports;
    if (stored < bytesMax || now() < this.#notBefore) return;
    log.error("a shard stores all that it may: the largest queues lose their oldest messages");
    for (const [i, uid] of store.largest(QUEUES).entries()) {
      this.#ports.session(uid)?.outbound.dropHalf(effects);
      if (i % TOGETHER !== 0) continue; // The first may be enough.
      store.reclaim();
      if (this.#relieved) return;
    }
    store.reclaim();
    if (!this.#relieved) this.#notBefore = now() + PAUSE_MS;
  }

  get #relieved(): boolean {
    const { sql, bytesMax } = this.#ports;
    return sql.databaseSize < bytesMax * RELIEVED;
  }
}
