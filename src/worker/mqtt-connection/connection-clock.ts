// Every deadline of a connection, as times: which is next, and which is due. Time is passed in; one timer serves all.
// Hearing from the device moves a deadline and touches no timer, so it costs nothing on the path of a message.

import { limits } from "../../broker/limits.ts";

export type Due =
  /** CONNECT was not answered in time. */
  | "connect"
  /** Nothing came for one and a half keep alives. */
  | "keepAlive"
  /** The link's heart beats. */
  | "beat"
  /** What waits is to be looked at again. */
  | "look";

export class ConnectionClock {
  #connectBy: number;
  #heardAt: number;
  /** Milliseconds; 0: none. */
  #keepAliveMs = 0;
  #beatAt = Infinity;
  #lookAt = Infinity;

  /** `now`, here and below: epoch milliseconds. */
  constructor(now: number) {
    this.#connectBy = now + limits.connectTimeoutMs;
    this.#heardAt = now;
  }

  /** CONNECT was accepted; `keepAliveSeconds` 0: the device may be silent for ever. */
  connected(keepAliveSeconds: number, now: number): void {
    this.#connectBy = Infinity;
    this.#heardAt = now;
    this.#keepAliveMs = keepAliveSeconds * 1_500; // [MQTT-3.1.2-22]
    this.#beatAt = now + limits.heartbeatMs;
  }

  heard(now: number): void {
    this.#heardAt = now;
  }

  /** Asks to be told `look` at that time at the latest. */
  lookAt(at: number): void {
    if (at < this.#lookAt) this.#lookAt = at;
  }

  /** When the next deadline is due; a device that speaks meanwhile makes it later. */
  next(): number {
    return Math.min(this.#connectBy, this.#silentAt(), this.#beatAt, this.#lookAt);
  }

  /** One that is due, which is then set anew or forgotten; null: none is. Ask until it is null. */
  due(now: number): Due | null {
    if (now >= this.#connectBy) {
      this.#connectBy = Infinity;
      return "connect";
    }
    if (now >= this.#silentAt()) {
      this.#keepAliveMs = 0;
      return "keepAlive";
    }
    if (now >= this.#beatAt) {
      this.#beatAt = now + limits.heartbeatMs;
      return "beat";
    }
    if (now >= this.#lookAt) {
      this.#lookAt = Infinity;
      return "look";
    }
    return null;
  }

  #silentAt(): number {
    return this.#keepAliveMs === 0 ? Infinity : this.#heardAt + this.#keepAliveMs;
  }
}
