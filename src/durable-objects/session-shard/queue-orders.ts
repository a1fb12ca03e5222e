// The order of queues that is in force, from the deployment's settings. Its generation is this shard's own: counted and
// stored whenever the table of priorities is another one, so that messages under the old one stay in their order.

import type { QueueOrder } from "../../broker/session/queue-order.ts";
import { PRIORITY_MAX } from "../../broker/session/queue-order.ts";
import type { BrokerSettings } from "../../contracts/deployment-config.ts";
import { firstRow } from "../../platform/first-row.ts";

type PrioritySettings = Pick<BrokerSettings, "queuePriorities" | "queueDefaultPriority">;

const KEY = "queue_order";
const NO_PRIORITIES = canonical({ queuePriorities: {}, queueDefaultPriority: "lowest" });

export class QueueOrders {
  readonly #sql: SqlStorage;
  readonly #settings: () => PrioritySettings;
  #order: QueueOrder | null = null;

  constructor(sql: SqlStorage, settings: () => PrioritySettings) {
    this.#sql = sql;
    this.#settings = settings;
  }

  get order(): QueueOrder {
    this.#order ??= this.#load();
    return this.#order;
  }

  /** The settings have changed, and the table perhaps. */
  renew(): void {
    this.#order = null;
  }

  /** Messages under this generation have come from another shard: what comes now waits behind them. True: the order has
   *  changed. */
  reach(generation: number): boolean {
    if (generation <= this.order.generation) return false;
    this.#store({ generation, table: canonical(this.#settings()) });
    this.#order = null;
    return true;
  }

  #load(): QueueOrder {
    const settings = this.#settings();
    const { queuePriorities, queueDefaultPriority } = settings;
    const entries = Object.entries(queuePriorities);
    return {
      generation: this.#generationOf(canonical(settings)),
      priorities: entries.length === 0 ? null : new Map(entries),
      defaultPriority: queueDefaultPriority === "highest" ? PRIORITY_MAX : 0,
    };
  }

  #generationOf(table: string): number {
    const row = firstRow(this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", KEY));
    const known = row === undefined ? { generation: 1, table: NO_PRIORITIES } : (JSON.parse(row.value) as Stored);
    if (known.table === table) return known.generation;
    const stored: Stored = { generation: known.generation + 1, table };
    this.#store(stored);
    return stored.generation;
  }

  #store(stored: Stored): void {
    this.#sql.exec(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      KEY,
      JSON.stringify(stored),
    );
  }
}

interface Stored {
  readonly generation: number;
  readonly table: string;
}

/** The same for the same table, however it was written down. */
function canonical({ queuePriorities, queueDefaultPriority }: PrioritySettings): string {
  const entries = Object.entries(queuePriorities).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? "" : JSON.stringify([queueDefaultPriority, entries]);
}
