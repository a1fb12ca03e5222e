// Slots of topics that leave for another topic shard or arrive from one: routes, claims, members of groups and what waits
// for them, retained messages. While they move, nothing is published to the shard that they leave. Filters that stand
// everywhere are copied along: the other shard may be a new one.

import { limits } from "../../broker/limits.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { shareOf } from "../../broker/topics/share.ts";
import { EVERYWHERE, slotOfTopic } from "../../broker/topics/slots.ts";
import { sharedOrigin } from "../../contracts/envelope.ts";
import type { Row } from "../../contracts/row-page.ts";
import type { NumberedMove, SlotPage } from "../../contracts/rpc.ts";
import type { Part } from "../../platform/slot-pages.ts";
import { SlotPages, writeSlotPage } from "../../platform/slot-pages.ts";
import type { Groups } from "./groups.ts";
import type { RetainedStore } from "./retained-store.ts";
import type { RouteTable } from "./route-table.ts";
import type { Routed } from "./session-stream.ts";

export interface SlotTransferPorts {
  sql: SqlStorage;
  routes: RouteTable;
  groups: Groups;
  retained: RetainedStore;
  /** How many slots this shard has. */
  slots(): number;
}

export class SlotTransfer {
  readonly #ports: SlotTransferPorts;
  readonly #pages: SlotPages;

  constructor(ports: SlotTransferPorts) {
    this.#ports = ports;
    this.#pages = new SlotPages(ports.sql);
  }

  /** How many slots may leave at a time, by what is stored of each. */
  get slotsAtOnce(): number {
    const { sql, slots } = this.#ports;
    const bytes = sql.databaseSize / Math.max(1, slots());
    return Math.max(1, Math.min(limits.moveSlots, Math.floor(limits.moveBytes / bytes)));
  }

  /** See MovingShardRpc. */
  exportPage({ slots }: NumberedMove, from: string): SlotPage {
    return writeSlotPage(this.#parts(slots), from);
  }

  /** See MovingShardRpc. */
  importPage({ id }: NumberedMove, page: Uint8Array, first: boolean): void {
    this.#pages.keep(id, page, first);
  }

  /** See MovingShardRpc. */
  adopt({ id, slots }: NumberedMove): void {
    const tables = this.#pages.take(id);
    if (tables === null) return;
    const isNew = this.#ports.slots() === 0;
    if (isNew) this.#empty();
    else this.#remove(slots);
    this.#forget();
    // Who has slots is told of what stands everywhere by the session shards, and knows it better.
    const concerns = ({ slot }: Row) => isNew || slot !== EVERYWHERE;
    const { sql, routes, retained } = this.#ports;
    for (const row of tables.get("route")?.filter(concerns) ?? []) {
      routes.apply(Number(row["shard"]), String(row["filter"]), Number(row["number"]), true);
    }
    for (const { slot = null, filter = null, shard = null, number = null } of tables.get("claim") ?? []) {
      const claim = [slot, filter, shard, number];
      sql.exec("INSERT OR REPLACE INTO claim (slot, filter, shard, number) VALUES (?, ?, ?, ?)", ...claim);
    }
    this.#adoptGroups(tables.get("member")?.filter(concerns) ?? [], tables.get("group_message") ?? []);
    for (const row of tables.get("retained") ?? []) {
      retained.set({ topic: String(row["topic"]), ...storedMessage(row) });
    }
    this.#pages.adopted(id);
  }

  /** See MovingShardRpc. */
  release({ slots }: NumberedMove): void {
    this.#remove(slots);
    this.#forget();
  }

  #adoptGroups(members: readonly Row[], messages: readonly Row[]): void {
    const { groups } = this.#ports;
    for (const row of members) {
      const share = shareOf(String(row["grp"]), String(row["filter"]));
      const is = row["online"] === 1 ? "online" : "offline";
      groups.apply(share, { shard: Number(row["shard"]), uid: Number(row["uid"]), number: Number(row["number"]), is });
    }
    const waiting = new Map<string, { group: string; filter: string; messages: Routed[] }>();
    for (const row of messages) {
      const [group, filter] = [String(row["grp"]), String(row["filter"])];
      const { name } = shareOf(group, filter);
      const known = waiting.get(name) ?? { group, filter, messages: [] };
      waiting.set(name, known);
      const origin = { shard: sharedOrigin, sequence: Number(row["id"]) };
      known.messages.push({ ...storedMessage(row), origin, member: null });
    }
    for (const { group, filter, messages: own } of waiting.values()) groups.adopt(shareOf(group, filter), own);
  }

  #parts(slots: readonly number[]): Part[] {
    const own = JSON.stringify(slots);
    const ownAndEverywhere = JSON.stringify([EVERYWHERE, ...slots]);
    const rows = (table: string, all: string, order: string): Part => ({
      table,
      rows: (offset, limit) => this.#rows(table, all, order, offset, limit),
    });
    return [
      rows("route", ownAndEverywhere, "slot, filter, shard"),
      rows("claim", own, "slot, filter"),
      rows("member", ownAndEverywhere, "slot, filter, grp, uid"),
      rows("group_message", own, "slot, filter, grp, id"),
      { table: "group_message", rows: (offset, limit) => this.#waitingEverywhere(slots).slice(offset, offset + limit) },
      rows("retained", own, "slot, topic"),
    ];
  }

  #rows(table: string, slots: string, order: string, offset: number, limit: number): Row[] {
    return this.#ports.sql
      .exec(
        `SELECT * FROM ${table} WHERE slot IN (SELECT value FROM json_each(?)) ORDER BY ${order} LIMIT ? OFFSET ?`,
        slots,
        limit,
        offset,
      )
      .toArray();
  }

  /** What waits for groups that stand everywhere, of topics of these slots. */
  #waitingEverywhere(slots: readonly number[]): Row[] {
    const moving = new Set(slots);
    const rows = this.#ports.sql.exec<Record<string, SqlStorageValue> & { packet: ArrayBuffer }>(
      "SELECT * FROM group_message WHERE slot = ? ORDER BY filter, grp, id",
      EVERYWHERE,
    );
    return rows
      .toArray()
      .filter(({ packet }) => moving.has(slotOfTopic(readTrustedPublish(new Uint8Array(packet)).topic)));
  }

  #remove(slots: readonly number[]): void {
    const { sql } = this.#ports;
    for (const { filter = null, grp = null, id = null } of this.#waitingEverywhere(slots)) {
      const key = [EVERYWHERE, filter, grp, id];
      sql.exec("DELETE FROM group_message WHERE slot = ? AND filter = ? AND grp = ? AND id = ?", ...key);
    }
    for (const table of ["route", "claim", "member", "group_message", "retained"]) {
      const own = JSON.stringify(slots);
      sql.exec(`DELETE FROM ${table} WHERE slot IN (SELECT value FROM json_each(?))`, own).toArray();
    }
  }

  /** What an earlier life with slots has left says nothing any more. */
  #empty(): void {
    for (const table of ["route", "claim", "member", "group_message", "retained"]) {
      this.#ports.sql.exec(`DELETE FROM ${table}`).toArray();
    }
  }

  #forget(): void {
    const { routes, groups, retained } = this.#ports;
    routes.forget();
    groups.forget();
    retained.forget();
  }
}

function storedMessage(row: Row): { publisher: number; expiresAt: number; packet: Uint8Array } {
  const packet = row["packet"];
  return {
    publisher: Number(row["publisher"]),
    expiresAt: Number(row["expires_at"]),
    packet: new Uint8Array(packet instanceof ArrayBuffer ? packet : new ArrayBuffer(0)),
  };
}
