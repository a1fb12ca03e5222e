// Brings the slots of a deployment to as many shards as are wanted, some slots at a time: decides which move is next and
// sees to it that moves go on, from the alarm whatever dies. How one is made is SlotMover's.

import type { SlotMap } from "../../broker/topics/slot-map.ts";
import { nextMove, slotsToMove } from "../../broker/topics/slot-moves.ts";
import { SLOTS } from "../../broker/topics/slots.ts";
import type { MovingShardRpc, Overload, Sharding, ShardingOfKind } from "../../contracts/rpc.ts";
import { log } from "../../platform/log.ts";
import { CALL_MS } from "./asking.ts";
import { MoveRecord } from "./move-record.ts";
import type { ShardKind } from "./shard-list.ts";
import { inTime } from "./shard-list.ts";
import type { SlotMoverPorts } from "./slot-mover.ts";
import { SlotMover } from "./slot-mover.ts";

/** An alarm that dies is made up for so soon. */
const RETRY_MS = 2_000;
const AGAIN_MS_MAX = 30_000;
/** Moves follow one another for so long; then others have their turn. */
const TURN_MS = 10_000;
/** After a deployment has grown by itself: how long until it may again, unless what has grown is not done yet. */
const GROWN_MS = 10 * 60_000;

export interface ReshardingPorts extends SlotMoverPorts {
  /** Calls `run` at that time. */
  runAt(at: number): void;
  /** There is nothing to run for. */
  done(): void;
  now(): number;
}

export class Resharding {
  readonly #ports: ReshardingPorts;
  readonly #moves: MoveRecord;
  readonly #mover: SlotMover;
  #running: Promise<void> | null = null;

  constructor(ports: ReshardingPorts) {
    this.#ports = ports;
    this.#moves = new MoveRecord(ports.storage.sql);
    this.#mover = new SlotMover(ports, this.#moves);
  }

  get progress(): Sharding {
    const { placement, wanted, failedMoves: failed } = this.#ports.record;
    const move = this.#moves.current;
    const of = (map: SlotMap, count: number): ShardingOfKind => ({
      wanted: count,
      serving: map.shards.length,
      slotsToMove: slotsToMove(map, count),
    });
    return {
      session: of(placement.session, wanted.session),
      topic: of(placement.topic, wanted.topic),
      moving:
        move === null ? null : { kind: move.kind, from: move.from, to: move.to, slots: move.slots.length, failed },
    };
  }

  /** The number of shards that are wanted may have changed. */
  look(): void {
    if (this.#moves.current !== null || this.#next("topic") !== null || this.#next("session") !== null) {
      this.#ports.runAt(this.#ports.now());
    }
  }

  /** A shard has more to do than it should: there shall be twice as many, if the deployment may grow. */
  overloaded(kind: ShardKind, index: number, what: Overload): void {
    const { record, storage, shards, issued, now } = this.#ports;
    const most = record.config.growth?.[kind] ?? 0;
    const wanted = record.wanted[kind];
    // Connections come at once, and the others are refused: only for what lasts it waits whether it was enough.
    const early = what !== "connections" && now() - record.grownAt < GROWN_MS;
    const busy = early || this.#moves.current !== null || this.#next(kind) !== null;
    if (busy || wanted >= most || record.placement[kind].sizes.get(index) === undefined) return;
    const count = Math.min(2 * wanted, most);
    log.info("the deployment grows", { deploymentId: record.id, kind, index, what, shards: count });
    storage.transactionSync(() => {
      record.grow(kind, count, now());
      shards.expect(record.wanted);
      issued();
      this.look();
    });
  }

  /** Moves slots for a while. Throws NotYet when something does not answer; then it is to be called again. */
  async run(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = null));
    return this.#running;
  }

  async #run(): Promise<void> {
    const { record, now, runAt, done, serves } = this.#ports;
    for (const end = now() + TURN_MS; serves();) {
      runAt(now() + RETRY_MS);
      if (this.#moves.current === null && !(await this.#begin())) {
        if (this.#next("topic") === null && this.#next("session") === null) done();
        else runAt(now() + AGAIN_MS_MAX);
        return;
      }
      const came = await this.#mover.advance();
      if (came === "made" && now() < end) continue;
      // Each try ends clients and holds publishing: where something is in trouble, not often.
      const backOffMs = Math.min(AGAIN_MS_MAX, RETRY_MS * 2 ** Math.min(record.failedMoves, 10));
      runAt(came === "trouble" ? now() + backOffMs : now());
      return;
    }
  }

  /** Decides on the next move. False: all slots are where they shall be. */
  async #begin(): Promise<boolean> {
    const { record, storage, push, serves, session, topic } = this.#ports;
    for (const kind of ["topic", "session"] as const) {
      const planned = this.#next(kind);
      if (planned === null) continue;
      await push(); // The new shard is there, and nobody is behind.
      const shard: MovingShardRpc = kind === "session" ? session(planned.from) : topic(planned.from);
      const slots = await inTime(shard.slotsToGive(planned.slots.length), CALL_MS);
      if (!serves()) return false;
      if (slots.length === 0) continue; // By its map it has none: it will learn better.
      storage.transactionSync(() => {
        const id = record.nextMove();
        this.#moves.begin({ ...planned, slots, id, kind, phase: "preparing", pages: 0, next: null });
        record.place({ ...record.placement, move: id });
      });
      return true;
    }
    return false;
  }

  #next(kind: ShardKind): ReturnType<typeof nextMove> {
    const { placement, wanted } = this.#ports.record;
    return nextMove(placement[kind], wanted[kind], SLOTS);
  }
}
