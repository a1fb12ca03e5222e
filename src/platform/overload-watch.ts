// Tells when a shard has more to do than it should, or stores more: now and then, as long as that is so.

import type { Overload } from "../contracts/rpc.ts";
import { log } from "./log.ts";

/** What is told is not told again for this long. */
const PAUSE_MS = 60_000;
/** Events are counted over so long at most. */
const SECONDS = 60;

export interface OverloadBounds {
  readonly growConnections: number;
  readonly growStoredBytes: number;
  readonly growEventsPerSecond: number;
}

export interface OverloadPorts {
  bounds: OverloadBounds;
  tell(what: Overload): Promise<void>;
  now(): number;
}

export class OverloadWatch {
  readonly #ports: OverloadPorts;
  readonly #eventsMax: number;
  #events = 0;
  #since: number;
  #toldAt = -Infinity;

  constructor(ports: OverloadPorts) {
    this.#ports = ports;
    this.#eventsMax = ports.bounds.growEventsPerSecond * SECONDS;
    this.#since = ports.now();
  }

  /** Something has come in. */
  event(): void {
    this.#events += 1;
    if (this.#events < this.#eventsMax) return;
    const now = this.#ports.now();
    const seconds = (now - this.#since) / 1_000;
    this.#events = 0;
    this.#since = now;
    if (seconds < SECONDS) this.#tell("events", now);
  }

  /** So many clients are connected. */
  connections(count: number): void {
    if (count > this.#ports.bounds.growConnections) this.#tell("connections", this.#ports.now());
  }

  /** So many bytes are stored. */
  stored(bytes: number): void {
    if (bytes > this.#ports.bounds.growStoredBytes) this.#tell("stored_bytes", this.#ports.now());
  }

  #tell(what: Overload, now: number): void {
    if (now - this.#toldAt < PAUSE_MS) return;
    this.#toldAt = now;
    this.#ports.tell(what).catch((error: unknown) => log.warn("an overload could not be told", { what, error }));
  }
}
