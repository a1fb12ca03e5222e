// Who has a filter exclusively: one session shard at a time, which knows for which of its sessions. A claim says nothing
// of messages: these come by the filter's route.

import { slotOfFilter } from "../../broker/topics/slots.ts";
import { firstRow } from "../../platform/first-row.ts";

export class Claims {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes a session shard's word about a filter true, unless a newer one is known. False: another shard has it. */
  apply(shard: number, filter: string, number: number, wanted: boolean): boolean {
    const slot = slotOfFilter(filter);
    const holder = firstRow(
      this.#sql.exec<{ shard: number; number: number }>(
        "SELECT shard, number FROM claim WHERE slot = ? AND filter = ?",
        slot,
        filter,
      ),
    );
    if (holder !== undefined && holder.shard !== shard) return !wanted;
    if (holder !== undefined && holder.number >= number) return true;
    if (wanted) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO claim (slot, filter, shard, number) VALUES (?, ?, ?, ?)",
        slot,
        filter,
        shard,
        number,
      );
    } else if (holder !== undefined) {
      this.#sql.exec("DELETE FROM claim WHERE slot = ? AND filter = ?", slot, filter);
    }
    return true;
  }
}
