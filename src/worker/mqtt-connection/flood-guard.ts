// Notices a device that sends faster than it is read. The platform reads from a socket as long as there is something, and
// until there is nothing for a moment no other socket of the thread is heard and no timer is due: all others starve.

import { limits } from "../../broker/limits.ts";

/** Bytes that count as one packet, since reading them takes as long. */
const BYTES_A_UNIT = 1_024;
/** Units between two questions whether others get their turn: a timer for each frame would cost more than the frame. */
const UNITS_A_QUESTION = 1_024;

export class FloodGuard {
  /** What came since others had their turn. */
  #units = 0;
  #asked = false;

  /** A packet has come. False: too much has come without a turn for anybody else. */
  take(bytes: number): boolean {
    this.#units += 1 + Math.floor(bytes / BYTES_A_UNIT);
    if (this.#units < UNITS_A_QUESTION) return true;
    if (!this.#asked) {
      this.#asked = true;
      setTimeout(() => {
        this.#asked = false;
        this.#units = 0;
      }, 0);
    }
    return this.#units <= limits.packetsWithoutTurn;
  }
}
