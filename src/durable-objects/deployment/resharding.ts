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
import { SLOTS } from "../../broker/topics/slots.ts";
import type {
  MovingShardRpc,
  NumberedMove,
  Overload,
  SessionShardRpc,
  Sharding,
  ShardingOfKind,
  SlotPage,
  TopicShardRpc,
} from "../../contracts/rpc.ts";
import { NotYet } from "../../platform/deadlines.ts";
import { firstRow } from "../../platform/first-row.ts";
import { log } from "../../platform/log.ts";
import type { DeploymentRecord } from "./deployment-record.ts";
import type { ShardKind, ShardList } from "./shard-list.ts";
import { callShards, inTime } from "./shard-list.ts";

/** An alarm that dies is made up for so soon. */
const RETRY_MS = 2_000;
const AGAIN_MS_MAX = 30_000;
/** Moves follow one another for so long; then others have their turn. */
const TURN_MS = 10_000;
/** What is asked until it is so, and how long: while it is held, publishing waits. */
const ASK_MS = 10;
const QUIET_MS = 3_000;
const COPY_MS = 10_000;
const PREPARE_ASK_MS = 100;
const PREPARED_MS = 30_000;
/** Any other call. */
const CALL_MS = 5_000;
const ADOPT_MS = 15_000;
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
  /** How many pages were copied. */
  readonly pages: number;
}

interface MoveRow extends Record<string, SqlStorageValue> {
  id: number;
  kind: ShardKind;
  from_shard: number;
  to_shard: number;
  slots: string;
  phase: Move["phase"];
  pages: number;
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
    // Connections come at once, and the others are refused: only for what lasts it waits whether it was enough.
    const early = what !== "connections" && now() - record.grownAt < GROWN_MS;
    const busy = early || this.#move !== null || this.#next(kind) !== null;
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
      const move = this.#move ?? (await this.#begin());
      if (move === null) {
        if (this.#next("topic") === null && this.#next("session") === null) done();
        else runAt(now() + AGAIN_MS_MAX);
        return;
      }
      const made = await this.#make(move);
      if (made && now() < end) continue;
      // Each try ends clients and holds publishing: where something is in trouble, not often.
      runAt(made ? now() : now() + Math.min(AGAIN_MS_MAX, RETRY_MS * 2 ** Math.min(record.failedMoves, 10)));
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
      const slots = await inTime(this.#shard(kind, planned.from).slotsToGive(planned.slots.length), CALL_MS);
      if (!serves()) return null;
      if (slots.length === 0) continue; // What is left there is too much to be moved.
      return storage.transactionSync(() => {
        const move: Move = { ...planned, slots, id: record.nextMove(), kind, phase: "preparing", pages: 0 };
        this.#store(move);
        record.place({ ...record.placement, move: move.id });
        return move;
      });
    }
    return null;
  }

  /** False: it was given up, or must be gone on with later. */
  async #make(move: Move): Promise<boolean> {
    const { serves } = this.#ports;
    try {
      if (move.phase !== "copied") await this.#copy(move);
      const copied = this.#move;
      if (serves() && copied?.phase === "copied") await this.#finish(copied);
      return true;
    } catch (error) {
      log.warn("slots could not be moved", { ...move, slots: move.slots.length, error: String(error) });
      if (serves() && this.#move !== null && this.#move.phase !== "copied") await this.#giveUp();
      return false;
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
    const receivers = move.kind === "session" ? [move.from, move.to] : [null];
    const senders = move.kind === "session" ? record.placement.topic.shards : [move.from];
    // Publishing waits from here on: all are asked at once, and none for long.
    await this.#all("session", (index) => until(QUIET_MS, ASK_MS, () => session(index).quiet(serial)));
    await Promise.all(
      senders.flatMap((index) =>
        receivers.map((receiver) => until(QUIET_MS, ASK_MS, () => topic(index).delivered(receiver))),
      ),
    );
    const pages = await inTime(this.#copyPages(move), COPY_MS);
    if (this.#ports.serves()) this.#store({ ...move, phase: "copied", pages });
  }

  /** Returns how many pages there are. */
  async #copyPages(move: Move): Promise<number> {
    let from: string | null = "";
    let index = 0;
    for (; from !== null; index++) {
      const { bytes, next }: SlotPage = await this.#from(move).exportSlots(move, from);
      await this.#to(move).importSlots(move, index, bytes);
      from = next;
    }
    return index;
  }

  async #prepare(move: Move): Promise<void> {
    const { session } = this.#ports;
    const [leaving, arriving] = [session(move.from), session(move.to)];
    await inTime(leaving.closeSlots(move), CALL_MS);
    for (let [after, more] = ["", true]; more;) {
      const told = await inTime(leaving.filtersOfSlots(move, after), CALL_MS);
      await inTime(arriving.expectFilters(move, told.filters), CALL_MS);
      after = told.filters.at(-1) ?? after;
      ({ more } = told);
    }
    await until(PREPARED_MS, PREPARE_ASK_MS, () => arriving.filtersRouted(move));
    await until(PREPARED_MS, PREPARE_ASK_MS, () => leaving.publishesSettled(move));
  }

  async #finish(move: Move): Promise<void> {
    const { record, storage, issued, push, serves } = this.#ports;
    await inTime(this.#to(move).adoptSlots(move, move.pages), ADOPT_MS);
    await inTime(this.#from(move).releaseSlots(move), ADOPT_MS);
    if (!serves()) return;
    storage.transactionSync(() => {
      const { placement } = record;
      const moved = placement[move.kind].moved(move.slots, move.to);
      record.place({ ...placement, [move.kind]: moved, held: new Set(), move: 0 });
      record.failedMoves = 0;
      this.#sql.exec("DELETE FROM slot_move").toArray();
      issued();
    });
    // Who does not learn it now learns it before the next move.
    await push().catch((error: unknown) => log.warn("not everybody knows a move yet", { error: String(error) }));
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
    try {
      await push();
    } catch (error) {
      log.warn("a move was given up, and not everybody knows it yet", { error: String(error) });
    }
  }

  // ---- What is stored -----------------------------------------------------------------------------------------------

  get #move(): Move | null {
    const row = firstRow(this.#sql.exec<MoveRow>("SELECT * FROM slot_move"));
    if (row === undefined) return null;
    const { id, kind, from_shard: from, to_shard: to, slots, phase, pages } = row;
    return { id, kind, from, to, slots: JSON.parse(slots) as number[], phase, pages };
  }

  #store({ id, kind, from, to, slots, phase, pages }: Move): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO slot_move (id, kind, from_shard, to_shard, slots, phase, pages)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      id,
      kind,
      from,
      to,
      JSON.stringify(slots),
      phase,
      pages,
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
    return nextMove(placement[kind], wanted[kind], SLOTS);
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

/** Asks every so often until the answer is yes. Throws NotYet when it was not for so long. */
async function until(ms: number, askMs: number, ask: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + ms; !(await inTime(ask(), CALL_MS));) {
    if (Date.now() >= end) throw new NotYet("something is under way still");
    await new Promise((resolve) => setTimeout(resolve, askMs));
  }
}
