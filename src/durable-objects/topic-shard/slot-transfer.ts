// Slots of topics that leave for another topic shard or arrive from one: routes, claims, members of groups and what waits
// for them, retained messages. While they move, nothing is published to the shard that they leave. Filters that stand
// everywhere are copied along: the other shard may be a new one.

import { limits } from "../../broker/limits.ts";
import { shareOf } from "../../broker/topics/share.ts";
import { EVERYWHERE } from "../../broker/topics/slots.ts";
import { sharedOrigin } from "../../contracts/envelope.ts";
import type { Row } from "../../contracts/row-page.ts";
import type { NumberedMove, SlotPage } from "../../contracts/rpc.ts";
import type { ArrivedPage } from "../../platform/arriving-pages.ts";
import { ArrivingPages } from "../../platform/arriving-pages.ts";
import type { SlotWeight } from "../../platform/slot-choice.ts";
import { chooseSlots } from "../../platform/slot-choice.ts";
import { writeSlotPage } from "../../platform/slot-parts.ts";
import type { Groups } from "./groups.ts";
import { MovingRows } from "./moving-rows.ts";
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
  readonly pages: ArrivingPages;
  readonly #ports: SlotTransferPorts;
  readonly #rows: MovingRows;

  constructor(ports: SlotTransferPorts) {
    this.#ports = ports;
    this.pages = new ArrivingPages(ports.sql);
    this.#rows = new MovingRows(ports.sql);
  }

  /** See MovingShardRpc. */
  slotsToGive(count: number): number[] {
    const most = { count: Math.min(count, limits.moveSlots), bytes: limits.moveBytes, rows: limits.moveRows };
    return chooseSlots(this.#weights(), most);
  }

  /** See MovingShardRpc. */
  exportPage({ slots, to }: NumberedMove, from: string): SlotPage {
    const most = { bytes: limits.movePageBytes, rows: limits.movePageRows };
    // Who has slots is told of what stands everywhere by the session shards, and knows it better.
    return writeSlotPage(this.#rows.parts(slots, !this.#ports.hasSlots(to)), from, most);
  }

  /** Adopts a page that has come. False: what an earlier life has left must be removed before, and is not all. */
  adopt({ slots }: NumberedMove, page: ArrivedPage): boolean {
    const isNew = this.#ports.slots().length === 0;
    if (page.index === 0 && this.#rows.clear(isNew ? null : slots)) {
      this.#forget();
      return false;
    }
    const { rows: tables } = page;
    const concerns = ({ slot }: Row) => isNew || slot !== EVERYWHERE;
    const { sql, routes, retained } = this.#ports;
    for (const row of tables.get("route")?.filter(concerns) ?? []) {
      routes.apply(Number(row["shard"]), String(row["filter"]), Number(row["number"]), true);
    }
    for (const { slot = null, filter = null, shard = null, number = null } of tables.get("claim") ?? []) {
      const claim = [slot, filter, shard, number];
      sql.exec("INSERT OR REPLACE INTO claim (slot, filter, shard, number) VALUES (?, ?, ?, ?)", ...claim).toArray();
    }
    this.#adoptMembers(tables.get("member")?.filter(concerns) ?? []);
    this.#adoptWaiting(tables.get("group_message") ?? []);
    for (const row of tables.get("retained") ?? []) {
      retained.set({ topic: String(row["topic"]), ...storedMessage(row) });
    }
    this.pages.adopted(page);
    return true;
  }

  /** See MovingShardRpc. */
  release({ slots }: NumberedMove, from: string): string | null {
    const next = this.#rows.remove(slots, from);
    this.#forget();
    return next;
  }

  /** Of this shard's slots, the last one first. */
  *#weights(): Generator<SlotWeight> {
    for (const slot of this.#ports.slots().toReversed()) yield this.#rows.weightOf(slot);
  }

  #adoptMembers(members: readonly Row[]): void {
    for (const row of members) {
      const share = shareOf(String(row["grp"]), String(row["filter"]));
      const is = row["online"] === 1 ? "online" : "offline";
      const word = { shard: Number(row["shard"]), uid: Number(row["uid"]), number: Number(row["number"]), is } as const;
      this.#ports.groups.apply(share, word);
    }
  }

  #adoptWaiting(messages: readonly Row[]): void {
    const waiting = new Map<string, { group: string; filter: string; messages: Routed[] }>();
    for (const row of messages) {
      const [group, filter] = [String(row["grp"]), String(row["filter"])];
      const { name } = shareOf(group, filter);
      const known = waiting.get(name) ?? { group, filter, messages: [] };
      waiting.set(name, known);
      const origin = { shard: sharedOrigin, sequence: Number(row["id"]) };
      known.messages.push({ ...storedMessage(row), origin, member: null });
    }
    for (const { group, filter, messages: own } of waiting.values()) {
      this.#ports.groups.adopt(shareOf(group, filter), own);
    }
  }

  /** Rows have gone by themselves. */
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
