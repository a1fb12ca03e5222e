// How many messages of QoS 2 a client may leave unreleased: what it publishes beyond them waits here, in order, until it
// has released some. MQTT 5.0 section 4.9 bounds what is unacknowledged; this bounds what must be remembered.

import { limits } from "../../broker/limits.ts";
import { packetEnd } from "../../broker/mqtt/split-packets.ts";

const PUBREC = 5;
const PUBCOMP = 7;
const REFUSED = 0x80;

interface Waiting {
  readonly packet: Uint8Array;
  readonly packetId: number;
}

export class ReleaseWindow {
  readonly #unreleased: Set<number>;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Since when something waits and nothing was released; epoch milliseconds. */
  #since = 0;

  /** `unreleased`: packet ids of an earlier connection of the session. */
  constructor(unreleased: readonly number[]) {
    this.#unreleased = new Set(unreleased);
  }

  /** Memory that waits here, bytes. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Packets that wait here. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** A PUBLISH of QoS 2. False: `sizeMax` are not released, so it waits; `now` tells epoch milliseconds. */
  enter(packet: Uint8Array, packetId: number, sizeMax: number, now: () => number): boolean {
    const repeats = this.#unreleased.has(packetId);
    if (this.#waiting.length === 0 && (repeats || this.#unreleased.size < sizeMax)) {
      this.#unreleased.add(packetId);
      return true;
    }
    if (this.#waiting.length === 0) this.#since = now();
    this.#waiting.push({ packet: packet.slice(), packetId }); // A view would keep the whole frame that it came in.
    this.#waitingBytes += packet.length + limits.waitingOverheadBytes;
    return false;
  }

  /** What the client is sent, as a link frame holds it. Returns what need not wait any more. */
  sent(packets: Uint8Array, sizeMax: number, now: number): Uint8Array[] {
    if (this.#unreleased.size === 0) return [];
    for (let at = 0; at < packets.length; at = packetEnd(packets, at)) {
      const type = (packets[at] ?? 0) >> 4;
      // A Reason Code of failure is behind the packet id, section 3.5.2.1.
      const refused = type === PUBREC && (packets[at + 1] ?? 0) > 2 && (packets[at + 4] ?? 0) >= REFUSED;
      if (type === PUBCOMP || refused) this.#unreleased.delete(((packets[at + 2] ?? 0) << 8) | (packets[at + 3] ?? 0));
    }
    const free: Uint8Array[] = [];
    while (this.#waiting[free.length] !== undefined && this.#unreleased.size < sizeMax) {
      const { packet, packetId } = this.#waiting[free.length] as Waiting;
      this.#unreleased.add(packetId);
      this.#waitingBytes -= packet.length + limits.waitingOverheadBytes;
      free.push(packet);
    }
    if (free.length > 0) {
      this.#waiting = this.#waiting.slice(free.length);
      this.#since = now;
    }
    return free;
  }

  /** Whether something has waited for so long that the client cannot be thought to release anything. */
  overdue(waitMs: number, now: number): boolean {
    return this.#waiting.length > 0 && now - this.#since >= waitMs;
  }
}
