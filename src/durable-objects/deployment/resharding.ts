// Brings the slots of a deployment to as many shards as are wanted, some slots at a time, while clients publish. Each step
// may be made again, and how far a move is is stored before the next step: it goes on from the alarm whatever dies.
//
//   preparing  The old session shard closes the slots, which ends their clients, and has sent all that they had published.
//              The new one has the messages of their sessions routed to it, which mean nothing to it yet.
//   held       No session shard sends anything to the topic shards concerned: what is published waits. Once nothing is under
//              way any more, what is stored of the slots stands still and is copied.
//   copied     The new shard makes it its own, the old one forgets it, the map of slots changes, and publishing goes on.
//
// A move of topics needs no preparing, and holds the topic shard that they leave; a move of sessions holds all. Until it
// is copied a move can be given up: nothing has changed.

import type { SlotMap } from "../../broker/topics/slot-map.ts";
import { nextMove, slotsToMove } from "../../broker/topics/slot-moves.ts";
import { limits } from "../../broker/limits.ts";
import type {
  MovingShardRpc,
  NumberedMove,
  Overload,
  SessionShardRpc,
  Sharding,
  ShardingOfKind,
  TopicShardRpc,
} from "../../contracts/rpc.ts";
import { NotYet } from "../../platform/deadlines.ts";
import { firstRow } from "../../platform/first-row.ts";
import { log } from "../../platform/log.ts";
import type { DeploymentRecord } from "./deployment-record.ts";
import type { ShardKind, ShardList } from "./shard-list.ts";
import { callShards } from "./shard-list.ts";

/** An alarm that dies is made up for so soon. */
const RETRY_MS = 2_000;
const AGAIN_MS_MAX = 30_000;
/** Moves follow one another for so long; then others have their turn. */
const TURN_MS = 10_000;
/** What is asked until it is so, and how long: while it is held, publishing waits. */
const ASK_MS = 10;
const PREPARED_MS = 30_000;
const QUIET_MS = 3_000;
/** After a deployment has grown by itself: how long until it may again, unless what has grown is not done yet. */
const GROWN_MS = 10 * 60_000;

export interface ReshardingPorts {
  storage: DurableObjectStorage;
  record: DeploymentRecord;
  shards: ShardList;
  session(index: number): SessionShardRpc;
  topic(index: number): TopicShardRpc;
  /** False: the deployment is being erased. */
  serves(): boolean;
  /** A config is issued: `push` must be called, at the latest from the alarm. */
  issued(): void;
  /** Brings the config to every shard. Throws when one does not have it. */
  push(): Promise<void>;
  /** Calls `run` at that time. */
  runAt(at: number): void;
  /** There is nothing to run for. */
  done(): void;
  now(): number;
}

interface Move extends NumberedMove {
  readonly kind: ShardKind;
  readonly phase: "preparing" | "held" | "copied";
}

interface MoveRow extends Record<string, SqlStorageValue> {
  id: number;
  kind: ShardKind;
  from_shard: number;
  to_shard: number;
  slots: string;
  phase: Move["phase"];
}

export class Resharding {
  readonly #ports: ReshardingPorts;
  readonly #sql: SqlStorage;
  #running: Promise<void> | null = null;

  constructor(ports: ReshardingPorts) {
    this.#ports = ports;
    this.#sql = ports.storage.sql;
  }

  get progress(): Sharding {
    const { placement, wanted, failedMoves: failed } = this.#ports.record;
    const move = this.#move;
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
    if (this.#move !== null || this.#next("topic") !== null || this.#next("session") !== null) {
      this.#ports.runAt(this.#ports.now());
    }
  }

  /** A shard has more to do than it should: there shall be twice as many, if the deployment may grow. */
  overloaded(kind: ShardKind, index: number, what: Overload): void {
    const { record, storage, shards, issued, now } = this.#ports;
    const most = record.config.growth?.[kind] ?? 0;
    const wanted = record.wanted[kind];
    const busy = this.#move !== null || this.#next(kind) !== null || now() - record.grownAt < GROWN_MS;
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
    const { now, runAt, done, serves } = this.#ports;
    for (const end = now() + TURN_MS; serves();) {
      runAt(now() + RETRY_MS);
      const move = this.#move ?? (await this.#begin());
      if (move === null) {
        done();
        return;
      }
      await this.#make(move);
      if (now() < end) continue;
      runAt(now());
      return;
    }
  }

  // ---- One move -----------------------------------------------------------------------------------------------------

  /** Decides on the next move; null: all slots are where they shall be. */
  async #begin(): Promise<Move | null> {
    const { record, storage, push, serves } = this.#ports;
    for (const kind of ["topic", "session"] as const) {
      const planned = this.#next(kind);
      if (planned === null) continue;
      await push(); // The new shard is there, and nobody is behind.
      const count = await this.#shard(kind, planned.from).slotsAtOnce();
      const slots = planned.slots.slice(-count);
      if (!serves()) return null;
      return storage.transactionSync(() => {
        const move: Move = { ...planned, slots, id: record.nextMove(), kind, phase: "preparing" };
        this.#store(move);
        record.place({ ...record.placement, move: move.id });
        return move;
      });
    }
    return null;
  }

  async #make(move: Move): Promise<void> {
    try {
      if (move.phase !== "copied") await this.#copy(move);
      if (this.#ports.serves()) await this.#finish({ ...move, phase: "copied" });
    } catch (error) {
      log.warn("a move of slots begins again", { ...move, slots: move.slots.length, error: String(error) });
      if (this.#ports.serves() && this.#move?.phase !== "copied") await this.#giveUp();
      this.#ports.runAt(this.#ports.now() + AGAIN_MS_MAX); // Sooner, if it has not failed often.
      throw error instanceof NotYet ? error : new NotYet("slots could not be moved");
    }
  }

  /** Has all of it copied, whatever was done of that before. */
  async #copy(move: Move): Promise<void> {
    const { record, push, session, topic } = this.#ports;
    if (move.kind === "session") {
      await push(); // Both know that this move is made.
      await this.#prepare(move);
    }
    this.#hold(move, move.kind === "topic" ? [move.from] : record.placement.topic.shards);
    await push();
    const { serial = 0 } = record.config;
    await this.#all("session", (index) => until(QUIET_MS, () => session(index).quiet(serial)));
    const receiver = move.kind === "session" ? move.from : null;
    const senders = move.kind === "session" ? record.placement.topic.shards : [move.from];
    for (const index of senders) await until(QUIET_MS, () => topic(index).delivered(receiver));
    let from: string | null = "";
    for (let first = true; from !== null; first = false) {
      const { bytes, next }: { bytes: Uint8Array; next: string | null } = await this.#from(move).exportSlots(
        move,
        from,
      );
      await this.#to(move).importSlots(move, bytes, first);
      from = next;
    }
    if (this.#ports.serves()) this.#store({ ...move, phase: "copied" });
  }

  async #prepare(move: Move): Promise<void> {
    const { session } = this.#ports;
    const [old, new_] = [session(move.from), session(move.to)];
    await old.closeSlots(move);
    for (let [after, more] = ["", true]; more;) {
      const told = await old.filtersOfSlots(move, after);
      await new_.expectFilters(move, told.filters);
      after = told.filters.at(-1) ?? after;
      ({ more } = told);
    }
    await until(PREPARED_MS, () => new_.filtersRouted(move));
    await until(PREPARED_MS, () => old.publishesSettled(move));
  }

  async #finish(move: Move): Promise<void> {
    const { record, storage, issued, push, serves } = this.#ports;
    await this.#to(move).adoptSlots(move);
    await this.#from(move).releaseSlots(move);
    if (!serves()) return;
    storage.transactionSync(() => {
      const { placement } = record;
      const moved = placement[move.kind].moved(move.slots, move.to);
      record.place({ ...placement, [move.kind]: moved, held: new Set(), move: 0 });
      record.failedMoves = 0;
      this.#sql.exec("DELETE FROM slot_move").toArray();
      issued();
    });
    await push();
  }

  /** All is as it was before the move: the config says so to whoever has done something for it. Another may follow. */
  async #giveUp(): Promise<void> {
    const { record, storage, issued, push } = this.#ports;
    storage.transactionSync(() => {
      record.place({ ...record.placement, held: new Set(), move: 0 });
      record.failedMoves += 1;
      this.#sql.exec("DELETE FROM slot_move").toArray();
      issued();
    });
    await push();
  }

  // ---- What is stored -----------------------------------------------------------------------------------------------

  get #move(): Move | null {
    const row = firstRow(this.#sql.exec<MoveRow>("SELECT * FROM slot_move"));
    if (row === undefined) return null;
    const { id, kind, from_shard: from, to_shard: to, slots, phase } = row;
    return { id, kind, from, to, slots: JSON.parse(slots) as number[], phase };
  }

  #store({ id, kind, from, to, slots, phase }: Move): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO slot_move (id, kind, from_shard, to_shard, slots, phase) VALUES (?, ?, ?, ?, ?, ?)",
      id,
      kind,
      from,
      to,
      JSON.stringify(slots),
      phase,
    );
  }

  #hold(move: Move, topicShards: readonly number[]): void {
    const { record, storage, issued, serves } = this.#ports;
    if (!serves()) throw new NotYet("the deployment ends");
    storage.transactionSync(() => {
      this.#store({ ...move, phase: "held" });
      record.place({ ...record.placement, held: new Set(topicShards) });
      issued();
    });
  }

  // ---- Shards -------------------------------------------------------------------------------------------------------

  #next(kind: ShardKind): ReturnType<typeof nextMove> {
    const { placement, wanted } = this.#ports.record;
    return nextMove(placement[kind], wanted[kind], limits.moveSlots);
  }

  #shard(kind: ShardKind, index: number): MovingShardRpc {
    return kind === "session" ? this.#ports.session(index) : this.#ports.topic(index);
  }

  #from({ kind, from }: Move): MovingShardRpc {
    return this.#shard(kind, from);
  }

  #to({ kind, to }: Move): MovingShardRpc {
    return this.#shard(kind, to);
  }

  /** Asks every shard of a kind that was ever told of: one without slots may still have something under way. */
  async #all(kind: ShardKind, ask: (index: number) => Promise<void>): Promise<void> {
    const failed = await callShards("quiet", this.#ports.shards.of(kind), ({ number }) => ask(number));
    if (failed > 0) throw new NotYet("something is under way still");
  }
}

/** Asks until the answer is yes. Throws NotYet when it was not for so long. */
async function until(ms: number, ask: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + ms; !(await ask());) {
    if (Date.now() >= end) throw new NotYet("something is under way still");
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
}
