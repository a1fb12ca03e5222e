// Slots of this shard that are closed, because they leave for another one, or arrive from one: nobody of them connects, and
// what is stored of their sessions stands still but for messages that come. Remembered in SQLite until they have left, are
// this shard's, or the move is given up.

import { slotOfClientId } from "../../broker/topics/slots.ts";
import type { NumberedMove } from "../../contracts/rpc.ts";
import { firstRow } from "../../platform/first-row.ts";

interface ClosedRow extends Record<string, SqlStorageValue> {
  move: number;
  slots: string;
  at: number;
  published: number;
  arriving: number;
}

export class ClosedSlots {
  readonly #sql: SqlStorage;
  readonly #hasSlot: (slot: number) => boolean;
  #slots: ReadonlySet<number> = new Set();
  #move: number | null = null;
  #arriving = false;
  /** When they were closed where they leave, epoch milliseconds. */
  at = 0;
  /** Sequence of the last message that this shard had taken by then. */
  published = 0;

  /** `hasSlot`: whether a slot is this shard's. */
  constructor(sql: SqlStorage, hasSlot: (slot: number) => boolean) {
    this.#sql = sql;
    this.#hasSlot = hasSlot;
    const row = firstRow(sql.exec<ClosedRow>("SELECT * FROM closed_slots"));
    if (row !== undefined) this.#set(row);
  }

  /** Whether these are closed for this move. */
  areOf({ id }: NumberedMove): boolean {
    return this.#move === id;
  }

  get all(): readonly number[] {
    return Array.from(this.#slots);
  }

  /** Those that are not this shard's, not yet or not any more. */
  get others(): readonly number[] {
    return this.all.filter((slot) => !this.#hasSlot(slot));
  }

  has(slot: number): boolean {
    return this.#slots.size > 0 && this.#slots.has(slot);
  }

  hasClient(clientId: string): boolean {
    return this.#slots.size > 0 && this.#slots.has(slotOfClientId(clientId));
  }

  /** Whether a client's session is another shard's now, and what is left of it here nobody's. */
  hasLeft(clientId: string): boolean {
    if (this.#slots.size === 0 || this.#arriving) return false;
    const slot = slotOfClientId(clientId);
    return this.#slots.has(slot) && !this.#hasSlot(slot);
  }

  /** They leave. */
  close({ id, slots }: NumberedMove, at: number, published: number): void {
    this.#replace({ move: id, slots: JSON.stringify(slots), at, published, arriving: 0 });
  }

  /** They arrive. `at`: when they were closed where they come from. */
  expect({ id, slots }: NumberedMove, at: number): void {
    this.#replace({ move: id, slots: JSON.stringify(slots), at, published: 0, arriving: 1 });
  }

  /** Another move is made now, or none (0), or the map of slots has changed. Returns the slots that open here. */
  placed(move: number): readonly number[] {
    if (this.#move === null) return [];
    const arrived = this.#arriving && this.all.every((slot) => this.#hasSlot(slot));
    if (this.#move === move && !arrived) return [];
    const opened = this.all.filter((slot) => this.#hasSlot(slot));
    this.#open();
    return opened;
  }

  #replace(row: ClosedRow): void {
    this.#open();
    const values = [row.move, row.slots, row.at, row.published, row.arriving];
    this.#sql
      .exec("INSERT INTO closed_slots (move, slots, at, published, arriving) VALUES (?, ?, ?, ?, ?)", ...values)
      .toArray();
    this.#set(row);
  }

  #open(): void {
    this.#slots = new Set();
    this.#move = null;
    this.#sql.exec("DELETE FROM closed_slots").toArray();
  }

  #set({ move, slots, at, published, arriving }: ClosedRow): void {
    this.#slots = new Set(JSON.parse(slots) as number[]);
    this.#move = move;
    this.#arriving = arriving === 1;
    this.at = at;
    this.published = published;
  }
}
