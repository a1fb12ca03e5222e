// One client of the embedded Postgres. PGlite has a single session, so clients take turns: a turn lasts from the first
// message of a query to the moment when no transaction is open, and what a lost client left open is rolled back.

import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { PGlite } from "@electric-sql/pglite";
import type { Turns } from "./turns.ts";
import { FrontendReader, askPassword, fatal, passwordOf, rollback, stateAfter, welcome } from "./wire.ts";

/** A transaction that its client forgot may hold up the others this long, milliseconds. */
const IDLE_IN_TRANSACTION_MS = 30_000;

export interface PGliteConnectionOptions {
  database: PGlite;
  turns: Turns;
  password: string;
  serverVersion: string;
}

/** Serves one socket until either side ends it. */
export class PGliteConnection {
  readonly #options: PGliteConnectionOptions;
  readonly #socket: Socket;
  readonly #reader = new FrontendReader();
  #phase: "opening" | "password" | "queries" = "opening";
  #handling = false;
  #ended = false;
  /** Messages of the query that is still coming in. */
  #group: Buffer[] = [];
  #endTurn: (() => void) | null = null;
  #idleTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(socket: Socket, options: PGliteConnectionOptions) {
    this.#options = options;
    this.#socket = socket;
  }

  /** Begins to serve. */
  start(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.#reader.push(chunk);
      void this.#handle();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#ended = true;
      void this.#handle();
    });
  }

  /** Handles what has come, one message at a time; calls while it runs find their bytes handled by it. */
  async #handle(): Promise<void> {
    if (this.#handling) return;
    this.#handling = true;
    try {
      while (!this.#ended && (await this.#step())) this.#stopIdleTimer();
    } catch (error) {
      this.#socket.end(fatal("08P01", String(error)));
      this.#ended = true;
    }
    if (this.#ended) await this.#giveUp();
    else if (this.#endTurn !== null) this.#startIdleTimer();
    this.#handling = false;
  }

  /** Handles one message; false when none is whole. */
  async #step(): Promise<boolean> {
    if (this.#phase === "opening") return this.#open();
    const message = this.#reader.takeMessage();
    if (message === null) return false;
    if (this.#phase === "password") this.#checkPassword(message);
    else await this.#take(message);
    return true;
  }

  #open(): boolean {
    const opening = this.#reader.takeOpening();
    if (opening === "encryption") this.#socket.write("N");
    if (opening === "cancel") this.#socket.end();
    if (opening === "startup") {
      this.#phase = "password";
      this.#socket.write(askPassword);
    }
    return opening !== null;
  }

  #checkPassword(message: Buffer): void {
    const given = Buffer.from(passwordOf(message));
    const expected = Buffer.from(this.#options.password);
    if (given.length === expected.length && timingSafeEqual(given, expected)) {
      this.#phase = "queries";
      this.#socket.write(welcome(this.#options.serverVersion));
    } else {
      this.#socket.end(fatal("28P01", "password authentication failed"));
      this.#ended = true;
    }
  }

  async #take(message: Buffer): Promise<void> {
    const type = String.fromCharCode(message[0] ?? 0);
    if (type === "X") {
      this.#socket.end();
      this.#ended = true;
      return;
    }
    this.#group.push(message);
    // Query, Sync, Flush and the end of a COPY: the client now waits for an answer.
    if ("QSHcf".includes(type)) await this.#answer();
  }

  async #answer(): Promise<void> {
    const group = new Uint8Array(Buffer.concat(this.#group));
    this.#group = [];
    this.#endTurn ??= await this.#options.turns.take();
    if (this.#ended) return;
    const answer = await this.#options.database.execProtocolRaw(group);
    if (!this.#ended) this.#socket.write(answer);
    if (stateAfter(answer) === "idle") this.#finishTurn();
  }

  async #giveUp(): Promise<void> {
    this.#stopIdleTimer();
    if (this.#endTurn === null) return;
    try {
      await this.#options.database.execProtocolRaw(new Uint8Array(rollback));
    } catch {
      // The database is gone; whoever comes next is told so by his own query.
    }
    this.#finishTurn();
  }

  #finishTurn(): void {
    this.#endTurn?.();
    this.#endTurn = null;
  }

  #startIdleTimer(): void {
    this.#idleTimer = setTimeout(() => {
      this.#socket.end(fatal("25P03", "terminating connection due to idle-in-transaction timeout"));
      this.#ended = true;
      void this.#handle();
    }, IDLE_IN_TRANSACTION_MS);
  }

  #stopIdleTimer(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
  }
}
