// Makes one move of slots while clients publish. Each step may be made again, and how far the move is is stored before the
// next one: it goes on from there whatever dies.
//
//   preparing  The old session shard closes the slots, which ends their clients, and has sent all that they had published.
//              The new one has the messages of their sessions routed to it, which mean nothing to it yet.
//   held       No session shard sends anything to the topic shards concerned: what is published waits until nothing is under
//              way any more.
//   copying    What is stored of the slots stands still and is copied, page by page.
//   copied     The new shard makes it its own, page by page. Nobody is served from it before the next step.
//   adopted    The map of slots has changed. The old shard forgets what it had, page by page.
//
// A move of topics needs no preparing, and holds the topic shard that they leave until that has forgotten them: it would
// find retained messages twice. A move of sessions holds all until the map has changed. Until all is copied a move can be
// given up: nothing has changed.

import { log } from "../../platform/log.ts";
import { NotYet } from "../../platform/deadlines.ts";
import type { MovingShardRpc, SessionShardRpc, SlotPage, TopicShardRpc } from "../../contracts/rpc.ts";
import { again, CALL_MS, until } from "./asking.ts";
import type { DeploymentRecord } from "./deployment-record.ts";
import type { Move, MovePhase, MoveRecord } from "./move-record.ts";
import type { ShardKind, ShardList } from "./shard-list.ts";
import { callShards, inTime } from "./shard-list.ts";

/** What is asked until it is so, and how long: while it is held, publishing waits. */
const ASK_MS = 10;
const QUIET_MS = 3_000;
const PREPARE_ASK_MS = 100;
const PREPARED_MS = 30_000;
/** Pages that are copied, adopted or forgotten before others have their turn: an alarm may make so many calls. */
const PAGES_A_TURN = 200;

const mayGiveUp: ReadonlySet<MovePhase> = new Set(["preparing", "held", "copying"]);

export interface SlotMoverPorts {
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
}

export class SlotMover {
  readonly #ports: SlotMoverPorts;
  readonly #moves: MoveRecord;
  /** Pages that this turn has left. */
  #left = 0;

  constructor(ports: SlotMoverPorts, moves: MoveRecord) {
    this.#ports = ports;
    this.#moves = moves;
  }

  /** Goes on with the move. "made": it is over; "turn": it is to be gone on with; "trouble": later, or it was given up. */
  async advance(): Promise<"made" | "turn" | "trouble"> {
    this.#left = PAGES_A_TURN;
    try {
      for (let move = this.#current; move !== null; move = this.#current) {
        await this.#step(move);
        if (this.#left <= 0 && this.#current !== null) return "turn";
      }
      return "made";
    } catch (error) {
      const move = this.#current;
      if (move === null) return "trouble";
      log.warn("slots could not be moved", { ...move, slots: move.slots.length, error: String(error) });
      if (mayGiveUp.has(move.phase)) await this.#giveUp();
      return "trouble";
    }
  }

  get #current(): Move | null {
    return this.#ports.serves() ? this.#moves.current : null;
  }

  #step(move: Move): Promise<void> {
    switch (move.phase) {
      case "preparing":
      case "held":
        return this.#hold(move);
      case "copying":
        return this.#copy(move);
      case "copied":
        return this.#adopt(move);
      case "adopted":
        return this.#release(move);
    }
  }

  // ---- Until nothing is under way -----------------------------------------------------------------------------------

  async #hold(move: Move): Promise<void> {
    const { record, push, session, topic } = this.#ports;
    if (move.kind === "session") {
      await push(); // Both know that this move is made.
      await this.#prepare(move);
    }
    const held = move.kind === "topic" ? [move.from] : record.placement.topic.shards;
    this.#reached(move, "held", () => record.place({ ...record.placement, held: new Set(held) }));
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
    this.#reached({ ...move, pages: 0, next: "" }, "copying");
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

  // ---- From one shard to the other ----------------------------------------------------------------------------------

  /** While a page is kept there, the next one is read here. */
  async #copy(move: Move): Promise<void> {
    const read = async (from: string | null): Promise<SlotPage | null> =>
      from === null ? null : again(() => this.#shard(move.kind, move.from).exportSlots(move, from));
    const keep = (index: number, bytes: Uint8Array) =>
      again(() => this.#shard(move.kind, move.to).importSlots(move, index, bytes));
    let { pages } = move;
    for (let page = await read(move.next); page !== null && this.#left > 0; this.#left--) {
      const { bytes, next } = page;
      [page] = await Promise.all([read(next), keep(pages, bytes)]);
      pages += 1;
      this.#reached({ ...move, pages, next }, next === null ? "copied" : "copying");
    }
  }

  async #adopt(move: Move): Promise<void> {
    const { record } = this.#ports;
    for (; this.#left > 0; this.#left--) {
      if (!(await again(() => this.#shard(move.kind, move.to).adoptSlots(move, move.pages)))) continue;
      this.#reached(move, "adopted", () => {
        const { placement } = record;
        const moved = placement[move.kind].moved(move.slots, move.to);
        const held = new Set(move.kind === "topic" ? [move.from] : []);
        record.place({ ...placement, [move.kind]: moved, held });
      });
      return;
    }
  }

  async #release(move: Move): Promise<void> {
    const { record, storage, issued } = this.#ports;
    await this.#push("not everybody knows where slots are");
    for (let from: string | null = ""; from !== null; this.#left--) {
      const place: string = from;
      if (this.#left <= 0) return; // What is removed is not met again.
      from = await again(() => this.#shard(move.kind, move.from).releaseSlots(move, place));
    }
    if (!this.#ports.serves()) return;
    storage.transactionSync(() => {
      record.place({ ...record.placement, held: new Set(), move: 0 });
      record.failedMoves = 0;
      this.#moves.end();
      issued();
    });
    await this.#push("not everybody knows that a move is over");
  }

  /** All is as it was before the move: the config says so to whoever has done something for it. Another may follow. */
  async #giveUp(): Promise<void> {
    const { record, storage, issued } = this.#ports;
    storage.transactionSync(() => {
      record.place({ ...record.placement, held: new Set(), move: 0 });
      record.failedMoves += 1;
      this.#moves.end();
      issued();
    });
    await this.#push("a move was given up, and not everybody knows it");
  }

  /** The move is so far. `place`: with what else, if anything, and a config is issued. */
  #reached(move: Move, phase: MovePhase, place?: () => void): void {
    const { storage, issued, serves } = this.#ports;
    if (!serves()) throw new NotYet("the deployment ends");
    storage.transactionSync(() => {
      this.#moves.reached(move, phase, move.pages, move.next);
      if (place === undefined) return;
      place();
      issued();
    });
  }

  /** Who does not learn it now learns it before the next move. */
  async #push(otherwise: string): Promise<void> {
    await this.#ports.push().catch((error: unknown) => log.warn(otherwise, { error: String(error) }));
  }

  /** For one call: after an object has died, what reached it before does so no more. */
  #shard(kind: ShardKind, index: number): MovingShardRpc {
    return kind === "session" ? this.#ports.session(index) : this.#ports.topic(index);
  }

  /** Asks every shard of a kind that was ever told of: one without slots may still have something under way. */
  async #all(kind: ShardKind, ask: (index: number) => Promise<void>): Promise<void> {
    const failed = await callShards("quiet", this.#ports.shards.of(kind), ({ number }) => ask(number));
    if (failed > 0) throw new NotYet("something is under way still");
  }
}
