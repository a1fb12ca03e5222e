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
import type { ArrivedRows, Part } from "../../platform/slot-pages.ts";
import { fitting, partOf, partWhere, SlotPages, writeSlotPage } from "../../platform/slot-pages.ts";
import type { Groups } from "./groups.ts";
import type { RetainedStore } from "./retained-store.ts";
import type { RouteTable } from "./route-table.ts";
import type { Routed } from "./session-stream.ts";

export interface SlotTransferPorts {
  sql: SqlStorage;
  routes: RouteTable;
  groups: Groups;
  retained: RetainedStore;
  /** The slots of this shard. */
  slots(): number[];
  /** Whether a topic shard has any. */
  hasSlots(shard: number): boolean;
}

export class SlotTransfer {
  readonly #ports: SlotTransferPorts;
  readonly #pages: SlotPages;

  constructor(ports: SlotTransferPorts) {
    this.#ports = ports;
    this.#pages = new SlotPages(ports.sql);
  }

  /** See MovingShardRpc. */
  slotsToGive(count: number): number[] {
    const { sql, slots } = this.#ports;
    const weights = new Map(
      slots()
        .toReversed()
        .map((slot) => [slot, { slot, bytes: 0, rows: 0 }]),
    );
    for (const table of ["retained", "group_message"]) {
      const rows = sql.exec<{ slot: number; bytes: number; rows: number }>(
        `SELECT slot, sum(length(packet)) AS bytes, count(*) AS rows FROM ${table} GROUP BY slot`,
      );
      for (const { slot, bytes, rows: stored } of rows) {
        const weight = weights.get(slot);
        if (weight !== undefined) Object.assign(weight, { bytes: weight.bytes + bytes, rows: weight.rows + stored });
      }
    }
    const most = { count: Math.min(count, limits.moveSlots), bytes: limits.moveBytes, rows: limits.moveRows };
    return fitting(weights.values(), most);
  }

  /** See MovingShardRpc. */
  exportPage({ slots, to }: NumberedMove, from: string): SlotPage {
    return writeSlotPage(this.#parts(slots, this.#ports.hasSlots(to)), from);
  }

  /** See MovingShardRpc. */
  importPage({ id }: NumberedMove, index: number, page: Uint8Array): void {
    this.#pages.keep(id, index, page);
  }

  /** What has come of a move, to be adopted in this event; null: it was adopted before. Throws if pages are missing. */
  arrived({ id }: NumberedMove, pages: number): ArrivedRows | null {
    return this.#pages.take(id, pages);
  }

  /** See MovingShardRpc. */
  adopt({ id, slots }: NumberedMove, tables: ArrivedRows): void {
    const isNew = this.#ports.slots().length === 0;
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

  /** `known`: the other shard has slots, and is told of what stands everywhere by the session shards. */
  #parts(slots: readonly number[], known: boolean): Part[] {
    const { sql } = this.#ports;
    const parts = (known ? slots : [EVERYWHERE, ...slots]).flatMap((slot) => [
      partWhere(sql, "route", "slot", slot, ["filter", "shard"]),
      partWhere(sql, "member", "slot", slot, ["filter", "grp", "uid"]),
    ]);
    for (const slot of slots) {
      parts.push(
        partWhere(sql, "claim", "slot", slot, ["filter"]),
        partWhere(sql, "group_message", "slot", slot, ["filter", "grp", "id"]),
        partWhere(sql, "retained", "slot", slot, ["topic"]),
      );
    }
    return [...parts, partOf("group_message", "id", this.#waitingEverywhere(slots))];
  }

  /** What waits for groups that stand everywhere, of topics of these slots. */
  #waitingEverywhere(slots: readonly number[]): Row[] {
    const moving = new Set(slots);
    const rows: Row[] = [];
    const all = this.#ports.sql.exec<Record<string, SqlStorageValue> & { packet: ArrayBuffer }>(
      "SELECT * FROM group_message WHERE slot = ? ORDER BY id",
      EVERYWHERE,
    );
    for (const row of all) {
      if (moving.has(slotOfTopic(readTrustedPublish(new Uint8Array(row.packet)).topic))) rows.push(row);
    }
    return rows;
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
