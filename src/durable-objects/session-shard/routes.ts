// What the topic shards shall route to this shard: each filter that any session here has; and under names of their own
// which filters one of its sessions has exclusively, as claims, and which of its sessions are members of shares. Desired
// state, numbered and durable; a request is open until every topic shard concerned has stored it, and is asked again after
// any reset.

import { limits } from "../../broker/limits.ts";
import { EVERYWHERE, slotOfFilter } from "../../broker/topics/slots.ts";
import { isShare, memberName, parseMemberName, parseShare } from "../../broker/topics/share.ts";
import { claimedFilter, exclusiveClaim } from "../../broker/topics/topic-filter.ts";
import type { Placement } from "../../contracts/deployment-config.ts";
import type { RouteRequest } from "../../contracts/envelope.ts";
import { firstRow } from "../../platform/first-row.ts";

export interface RoutePorts {
  placement(): Placement;
  /** Puts a request into the stream to a topic shard, which tells `received` of it. */
  send(topicShard: number, request: RouteRequest): void;
  now(): number;
  /** Calls `removeIfUnwanted` at that time. */
  removeLater(filter: string, at: number): void;
  /** Whether any session has the filter, or, of a claim, has it exclusively. */
  wanted(filter: string): boolean;
  /** What a member of a share, by its name, is. */
  memberState(name: string): "online" | "offline" | "gone";
}

/** What shall be of a name: 0 nothing, 1 it is wanted, 2 it is a member whose client is connected. */
type RouteState = 0 | 1 | 2;

/** Which session is to get the retained messages of a filter, and how many of them at first. */
export interface RetainedWish {
  readonly session: number;
  readonly limit: number;
  /** None of this publisher; undefined: of all. */
  readonly notFrom: number | undefined;
}

interface OpenRequest {
  readonly request: RouteRequest;
  /** Topic shards that have not answered, and how far the request is: while they are held, it is not sent. */
  readonly waiting: Map<number, "held" | "sent" | "received">;
  /** Topic shards that have answered. */
  readonly answered: Set<number>;
  readonly done: ((accepted: boolean) => void) | null;
  accepted: boolean;
}

interface RouteRow extends Record<string, SqlStorageValue> {
  filter: string;
  number: number;
  wanted: RouteState;
  confirmed: number;
  moved_from: number | null;
}

export class Routes {
  readonly #sql: SqlStorage;
  readonly #ports: RoutePorts;
  readonly #open = new Map<number, OpenRequest>();
  /** Answers that each topic shard owes. */
  readonly #owed = new Map<number, number>();
  #nextRequest = 1;
  #lastNumber = 0;

  constructor(sql: SqlStorage, ports: RoutePorts) {
    this.#sql = sql;
    this.#ports = ports;
  }

  /** Asks again for what was not confirmed when the shard lost its memory. */
  recover(): void {
    const rows = this.#sql.exec<RouteRow>("SELECT * FROM route WHERE confirmed < number").toArray();
    for (const { filter, number, wanted, moved_from } of rows) {
      this.#ask(filter, number, wanted, null, null, moved_from ?? undefined);
    }
    // A claim that was lost on the way to its subscription.
    for (const { filter } of rows) if (claimedFilter(filter) !== null) this.removeIfUnwanted(filter);
  }

  /** Makes sure that messages for `filter` come here. `done` is called once all topic shards concerned know it and have
   *  put the first retained messages for a session (null: none are wanted) into their streams; at once if nothing is to
   *  ask. `filter` may be a claim, or the name of a member whose client is connected. Returns a handle for `cancel`, or
   *  null if `done` was called. */
  want(filter: string, retained: RetainedWish | null, done: (accepted: boolean) => void): number | null {
    const state = parseMemberName(filter) === null ? 1 : 2;
    const row = this.#find(filter);
    if (row?.wanted !== state) return this.#ask(filter, this.#store(filter, state), state, retained, done);
    if (row.confirmed < row.number || retained !== null) return this.#ask(filter, row.number, state, retained, done);
    done(true);
    return null;
  }

  /** Tells anew what a member is, if that has changed. */
  refresh(member: string): void {
    const is = this.#ports.memberState(member);
    const state = is === "gone" ? 0 : is === "online" ? 2 : 1;
    const row = this.#find(member);
    if ((row?.wanted ?? 0) !== state) this.#ask(member, this.#store(member, state), state, null, null);
  }

  /** `done` of this request shall not be called any more. */
  cancel(request: number): void {
    const open = this.#open.get(request);
    if (open !== undefined) this.#open.set(request, { ...open, done: null });
  }

  /** A session gave a filter up. The route goes later, so that who comes back soon costs nothing; a claim goes at once, for
   *  another may wait for it, and so does a member, whom its group would give messages. */
  released(uid: number, filter: string, exclusive: boolean): void {
    if (isShare(filter)) {
      this.refresh(memberName(filter, uid));
      return;
    }
    if (exclusive) this.removeIfUnwanted(exclusiveClaim(filter));
    if (this.#ports.wanted(filter)) return;
    this.#ports.removeLater(filter, this.#ports.now() + limits.routeRemovalDelayMs);
  }

  /** A filter is not expected any more: if no session has it, its route goes later. */
  unexpected(filter: string): void {
    if (!this.#ports.wanted(filter)) this.#ports.removeLater(filter, this.#ports.now() + limits.routeRemovalDelayMs);
  }

  removeIfUnwanted(filter: string): void {
    const row = this.#find(filter);
    if (row === null || row.wanted === 0 || this.#ports.wanted(filter)) return;
    this.#ask(filter, this.#store(filter, 0), 0, null, null);
  }

  /** A topic shard answered a request. */
  stored(topicShard: number, request: number, accepted: boolean): void {
    const open = this.#open.get(request);
    if (open === undefined || !open.waiting.delete(topicShard)) return;
    open.answered.add(topicShard);
    this.#owe(topicShard, -1);
    open.accepted &&= accepted;
    this.#finish(open);
  }

  /** Slots live elsewhere now, or other topic shards are held: requests go where they belong now. */
  placed(): void {
    for (const open of Array.from(this.#open.values())) {
      const { request, waiting, answered } = open;
      const shards = shardsOf(request.filter, this.#ports.placement());
      for (const [shard, state] of waiting) if (state === "held" && !shards.includes(shard)) waiting.delete(shard);
      for (const shard of shards) if (!answered.has(shard)) this.#send(open, shard);
      this.#finish(open);
    }
  }

  /** A session has come from another shard with a share or an exclusive filter: this shard's word about it takes over. */
  takeOver(name: string, movedFrom: number): void {
    const number = this.#store(name, 1);
    this.#sql.exec("UPDATE route SET moved_from = ? WHERE filter = ?", movedFrom, name).toArray();
    this.#ask(name, number, 1, null, null, movedFrom);
  }

  /** A session has gone to another shard with its subscription: what it was a member of or had claimed is for that to say. */
  departed(uid: number, filter: string, exclusive: boolean): void {
    for (const name of [
      ...(isShare(filter) ? [memberName(filter, uid)] : []),
      ...(exclusive ? [exclusiveClaim(filter)] : []),
    ]) {
      this.#sql.exec("DELETE FROM route WHERE filter = ?", name).toArray();
    }
    if (isShare(filter) || this.#ports.wanted(filter)) return;
    this.#ports.removeLater(filter, this.#ports.now() + limits.routeRemovalDelayMs);
  }

  /** Whether a route is wanted and stands. */
  stands(filter: string): boolean {
    const row = this.#find(filter);
    return row !== null && row.wanted > 0 && row.confirmed >= row.number;
  }

  /** Whether a topic shard owes an answer. */
  awaits(topicShard: number): boolean {
    return (this.#owed.get(topicShard) ?? 0) > 0;
  }

  /** A topic shard has a request. */
  received(topicShard: number, request: number): void {
    const waiting = this.#open.get(request)?.waiting;
    if (waiting?.has(topicShard) === true) waiting.set(topicShard, "received");
  }

  /** Requests that a topic shard has and did not answer: if it loses its memory, they are to be sent again. */
  *unanswered(topicShard: number): Generator<RouteRequest> {
    if (!this.awaits(topicShard)) return;
    for (const { request, waiting } of this.#open.values()) {
      if (waiting.get(topicShard) === "received") yield request;
    }
  }

  #ask(
    filter: string,
    number: number,
    state: RouteState,
    retained: RetainedWish | null,
    done: ((accepted: boolean) => void) | null,
    movedFrom?: number,
  ): number {
    const shards = shardsOf(filter, this.#ports.placement());
    const request: RouteRequest = {
      request: this.#nextRequest++,
      filter,
      number,
      wanted: state > 0,
      ...(state === 2 ? { online: true } : {}),
      retainedFor: retained?.session ?? null,
      retainedLimit: Math.floor((retained?.limit ?? 0) / shards.length),
      notFrom: retained?.notFrom,
      ...(movedFrom === undefined ? {} : { movedFrom }),
    };
    const open: OpenRequest = { request, waiting: new Map(), answered: new Set(), done, accepted: true };
    this.#open.set(request.request, open);
    for (const shard of shards) this.#send(open, shard);
    return request.request;
  }

  /** Sends a request to a topic shard that does not have it, unless that is held. One for retained messages waits for all that
   *  it concerns: slots may move to one that would have answered already. */
  #send({ request, waiting }: OpenRequest, shard: number): void {
    const state = waiting.get(shard);
    if (state === "sent" || state === "received") return;
    const placement = this.#ports.placement();
    const concerned = request.retainedFor === null ? [shard] : shardsOf(request.filter, placement);
    if (concerned.some((each) => placement.held.has(each))) {
      waiting.set(shard, "held");
      return;
    }
    waiting.set(shard, "sent");
    this.#owe(shard, 1);
    this.#ports.send(shard, request);
  }

  #finish({ request, waiting, accepted, done }: OpenRequest): void {
    if (waiting.size > 0 || !this.#open.delete(request.request)) return;
    if (accepted) this.#confirm(request);
    done?.(accepted);
  }

  #owe(topicShard: number, answers: number): void {
    this.#owed.set(topicShard, (this.#owed.get(topicShard) ?? 0) + answers);
  }

  #find(filter: string): RouteRow | null {
    const row = firstRow(this.#sql.exec<RouteRow>("SELECT * FROM route WHERE filter = ?", filter));
    return row ?? null;
  }

  #store(filter: string, state: RouteState): number {
    // By the clock, so that it grows over restarts without a row of its own.
    this.#lastNumber = Math.max(this.#ports.now(), this.#lastNumber + 1);
    this.#sql.exec(
      `INSERT INTO route (filter, number, wanted, confirmed) VALUES (?1, ?2, ?3, 0)
       ON CONFLICT (filter) DO UPDATE SET number = max(?2, number + 1), wanted = ?3`,
      filter,
      this.#lastNumber,
      state,
    );
    return this.#find(filter)?.number ?? this.#lastNumber;
  }

  #confirm({ filter, number, wanted }: RouteRequest): void {
    if (wanted) {
      this.#sql.exec(
        "UPDATE route SET confirmed = ? WHERE filter = ? AND number = ? AND confirmed < number",
        number,
        filter,
        number,
      );
    } else {
      this.#sql.exec("DELETE FROM route WHERE filter = ? AND number = ? AND wanted = 0", filter, number);
    }
  }
}

/** The topic shards in which a filter, a claim or a member stands. One must judge a claim: the first, of those that stand
 *  everywhere. */
function shardsOf(name: string, { topic }: Placement): readonly number[] {
  const claimed = claimedFilter(name);
  const slot = slotOfFilter(claimed ?? sharedFilter(name) ?? name);
  if (slot !== EVERYWHERE) return [topic.shardOf(slot)];
  return claimed === null ? topic.shards : [0];
}

/** The filter that a member shares; null: the name is not a member's. */
function sharedFilter(name: string): string | null {
  const member = parseMemberName(name);
  return member === null ? null : (parseShare(member.share)?.filter ?? null);
}
