// Who has a filter exclusively: one session shard at a time, which knows for which of its sessions. A claim says nothing
// of messages: these come by the filter's route.

import { slotOfFilter } from "../../broker/topics/slots.ts";
import { firstRow } from "../../platform/first-row.ts";

export class Claims {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes a session shard's word about a filter true, unless a newer one is known. False: another shard has it. `movedFrom`:
   *  a shard whose claim this one has taken over. */
  apply(shard: number, filter: string, number: number, wanted: boolean, movedFrom?: number): boolean {
    const slot = slotOfFilter(filter);
    const holder = firstRow(
      this.#sql.exec<{ shard: number; number: number }>(
        "SELECT shard, number FROM claim WHERE slot = ? AND filter = ?",
        slot,
        filter,
      ),
    );
    const takenOver = holder !== undefined && holder.shard === movedFrom;
    if (holder !== undefined && holder.shard !== shard && !takenOver) return !wanted;
    if (holder !== undefined && holder.number >= number && !takenOver) return true;
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
