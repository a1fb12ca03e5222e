// What a session shard does when slots leave it or are to arrive: closes them, has their messages routed to where they go,
// knows when nothing is under way. What is stored of them is SlotTransfer's.

import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { Placement } from "../../contracts/deployment-config.ts";
import type { NumberedMove } from "../../contracts/rpc.ts";
import type { Clients } from "./clients.ts";
import type { ClosedSlots } from "./closed-slots.ts";
import type { EffectPerformer } from "./effect-performer.ts";
import type { Links } from "./links.ts";
import type { Outbox } from "./outbox.ts";
import type { Publishes } from "./publishes.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { Routes } from "./routes.ts";
import type { SessionRecords } from "./session-records.ts";
import type { Sessions } from "./sessions.ts";
import type { Wills } from "./wills.ts";

/** Filters told at a time. */
const FILTERS = 1_000;

export interface SlotMovePorts {
  sql: SqlStorage;
  closed: ClosedSlots;
  links: Links;
  clients: Clients;
  sessions: Sessions;
  records: SessionRecords;
  wills: Wills;
  routes: Routes;
  retained: RetainedReads;
  publishes: Publishes;
  outbox: Outbox;
  performer: EffectPerformer;
  /** Removes, in time, what has come of other moves than this one. */
  forgetPages(move: number): void;
  placement(): Placement;
  now(): number;
}

export class SlotMoves {
  readonly #ports: SlotMovePorts;

  constructor(ports: SlotMovePorts) {
    this.#ports = ports;
  }

  /** See SessionShardRpc. */
  close(move: NumberedMove): void {
    const { closed, links, clients, sessions, records, wills, outbox, performer, now } = this.#ports;
    if (closed.areOf(move)) return;
    wills.recover(links.count);
    const at = now();
    closed.close(move, at, 0);
    for (const link of Array.from(links.all())) {
      if (!closed.hasClient(link.attachment.attach.clientId)) continue;
      clients.end(link, reasonCodes.serverShuttingDown, "the session moves: connect again", "server_shutdown");
    }
    // Those that were lost with the object's memory are found to be so now.
    for (const uid of records.uidsOf(move.slots)) sessions.find(uid);
    performer.settle();
    closed.close(move, at, outbox.lastSequence);
  }

  /** See SessionShardRpc. */
  publishesSettled(): boolean {
    const { outbox, closed } = this.#ports;
    return outbox.settledUpTo(closed.published);
  }

  /** See SessionShardRpc. */
  filtersOf({ slots }: NumberedMove, after: string): { filters: string[]; more: boolean } {
    const rows = this.#ports.sql.exec<{ filter: string }>(
      `SELECT DISTINCT filter FROM subscription WHERE filter > ?2
         AND uid IN (SELECT uid FROM session WHERE slot IN (SELECT value FROM json_each(?1)))
         AND NOT (filter >= '$share/' AND filter < '$share0')
       ORDER BY filter LIMIT ?3`,
      JSON.stringify(slots),
      after,
      FILTERS,
    );
    const filters = Array.from(rows, ({ filter }) => filter);
    return { filters, more: filters.length === FILTERS };
  }

  /** See SessionShardRpc. */
  expect({ id }: NumberedMove, filters: readonly string[]): void {
    const { sql, routes, performer } = this.#ports;
    this.#expectNone(id);
    for (const filter of filters) {
      sql.exec("INSERT OR IGNORE INTO expected_filter (filter, move) VALUES (?, ?)", filter, id).toArray();
      if (!routes.stands(filter)) routes.want(filter, null, () => undefined);
    }
    performer.settle();
  }

  /** Whether a filter is of sessions that are to arrive. */
  expects(filter: string): boolean {
    return this.#ports.sql.exec("SELECT 1 FROM expected_filter WHERE filter = ?", filter).toArray().length > 0;
  }

  /** See SessionShardRpc. */
  filtersRouted(): boolean {
    const { sql } = this.#ports;
    const open = sql.exec(
      `SELECT 1 FROM expected_filter LEFT JOIN route USING (filter)
       WHERE number IS NULL OR wanted = 0 OR confirmed < number LIMIT 1`,
    );
    return open.toArray().length === 0;
  }

  /** The sessions have arrived: their subscriptions are what wants the filters now. */
  arrived(): void {
    this.#expectNone(0);
  }

  /** See SessionShardRpc; of the config in force. */
  quiet(): boolean {
    const { publishes, outbox, placement } = this.#ports;
    const now = placement();
    for (const topicShard of now.held) {
      if (!publishes.quiet(topicShard) || !outbox.quiet(topicShard)) return false;
    }
    outbox.stopped(now);
    return true;
  }

  /** Slots live elsewhere now, or other topic shards are held. */
  placed(before: Placement, after: Placement): void {
    const { publishes, outbox, routes, retained, closed, records, wills, forgetPages, now } = this.#ports;
    const opened = closed.placed(after.move);
    if (opened.length > 0) {
      // Who was ended by the move could not come back until now.
      records.renew(opened, closed.at, now());
      wills.renew(opened);
    }
    forgetPages(after.move);
    this.#expectNone(after.move);
    routes.placed();
    retained.placed(before.topic, after.topic);
    outbox.placed(before);
    publishes.placed();
  }

  /** Nothing is expected of any move but this one. */
  #expectNone(butOf: number): void {
    const { sql, routes } = this.#ports;
    const filters = sql
      .exec<{ filter: string }>("DELETE FROM expected_filter WHERE move <> ? RETURNING filter", butOf)
      .toArray();
    for (const { filter } of filters) routes.unexpected(filter);
  }
}
