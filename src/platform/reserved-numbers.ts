// Numbers that grow over restarts: they are reserved in the table of an object's numbers, a million at a time, so that
// taking one mostly writes nothing.

import { firstRow } from "./first-row.ts";

const RESERVED = 1_000_000;

export class ReservedNumbers {
  readonly #sql: SqlStorage;
  readonly #key: string;
  readonly #above: () => number;
  #next = 0;
  #reservedUpTo = 0;

  /** `key`: their name in table `meta`. `above`: all are higher than what it gives at the first use. */
  constructor(sql: SqlStorage, key: string, above: () => number = () => 0) {
    this.#sql = sql;
    this.#key = key;
    this.#above = above;
  }

  /** Takes `count` numbers. Returns the first; the others follow it. */
  take(count: number): number {
    if (this.#next === 0) {
      const row = firstRow(this.#sql.exec<{ value: number }>("SELECT value FROM meta WHERE key = ?", this.#key));
      this.#reservedUpTo = row?.value ?? 0;
      this.#next = Math.max(this.#reservedUpTo, this.#above()) + 1;
    }
    const first = this.#next;
    this.#next += count;
    if (this.#next - 1 > this.#reservedUpTo) {
      this.#reservedUpTo = this.#next - 1 + RESERVED;
      this.#sql.exec(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        this.#key,
        this.#reservedUpTo,
      );
    }
    return first;
  }
}
