// What a session's client can take now: by the bounds that it gave, and by what its link has room for.

import { limits } from "../limits.ts";

/** What a connected client can take. */
export interface ClientBounds {
  readonly receiveMaximum: number;
  /** Bytes; null: any. */
  readonly maximumPacketSize: number | null;
}

export class ClientRoom {
  #client: ClientBounds | null = null;
  /** The link takes no PUBLISH now. */
  blocked = false;
  /** Bytes of PUBLISH that the link is to take at the end of this event. */
  #leaving = 0;

  /** Whether the client is here. */
  get connected(): boolean {
    return this.#client !== null;
  }

  /** Messages of QoS 1 and 2 that it takes unacknowledged. */
  get receiveMaximum(): number {
    return this.#client?.receiveMaximum ?? 0;
  }

  /** Whether what waits must go on waiting: the link takes nothing now, or will not behind what this event sends. */
  get full(): boolean {
    return this.blocked || this.#leaving >= limits.linkWindowBytes;
  }

  connect(client: ClientBounds): void {
    this.#client = client;
  }

  disconnect(): void {
    this.#client = null;
    this.blocked = false;
    this.#leaving = 0;
  }

  /** A PUBLISH of so many bytes is to be sent. False: it is too large for this client. [MQTT-3.1.2-24] */
  take(bytes: number): boolean {
    if (bytes > (this.#client?.maximumPacketSize ?? Infinity)) return false;
    this.#leaving += bytes;
    return true;
  }

  /** The link has taken a PUBLISH of so many bytes. */
  left(bytes: number): void {
    this.#leaving -= bytes;
  }
}
