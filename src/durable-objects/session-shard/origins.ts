// Which messages that are to come once have come: the highest sequence of each origin by way of each topic shard. They
// come in the order of their sequences, and those that come again are no higher.

import type { Origin } from "../../contracts/envelope.ts";
import { firstRow } from "../../platform/first-row.ts";

interface Highest {
  readonly topicShard: number;
  readonly origin: number;
  sequence: number;
  written: number;
}

export class Origins {
  readonly #sql: SqlStorage;
  readonly #failed: (error: unknown) => never;
  /** At most one a pair of shards. */
  readonly #highest = new Map<string, Highest>();

  /** `failed`: what has come could not be written; it ends the object, which takes it for known. */
  constructor(sql: SqlStorage, failed: (error: unknown) => never) {
    this.#sql = sql;
    this.#failed = failed;
  }

  /** Whether a message has come before. */
  has(topicShard: number, { shard, sequence }: Origin): boolean {
    return sequence <= this.#of(topicShard, shard).sequence;
  }

  /** A message has come; `commit` makes that durable. */
  add(topicShard: number, { shard, sequence }: Origin): void {
    this.#of(topicShard, shard).sequence = sequence;
  }

  /** To be called in the event in which messages came, before anything of it is sent. */
  commit(): void {
    for (const highest of this.#highest.values()) {
      if (highest.sequence !== highest.written) this.#write(highest);
    }
  }

  #write(highest: Highest): void {
    const { topicShard, origin, sequence } = highest;
    try {
      this.#sql.exec(
        `INSERT INTO origin (topic_shard, origin, sequence) VALUES (?, ?, ?)
         ON CONFLICT (topic_shard, origin) DO UPDATE SET sequence = excluded.sequence`,
        topicShard,
        origin,
        sequence,
      );
    } catch (error) {
      this.#failed(error);
    }
    highest.written = sequence;
  }

  #of(topicShard: number, origin: number): Highest {
    const name = `${topicShard} ${origin}`;
    const known = this.#highest.get(name);
    if (known !== undefined) return known;
    const row = firstRow(
      this.#sql.exec<{ sequence: number }>(
        "SELECT sequence FROM origin WHERE topic_shard = ? AND origin = ?",
        topicShard,
        origin,
      ),
    );
    const sequence = row?.sequence ?? 0;
    const highest: Highest = { topicShard, origin, sequence, written: sequence };
    this.#highest.set(name, highest);
    return highest;
  }
}
