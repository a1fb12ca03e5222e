// Looks from time to time for links whose edge is gone without a word: they have missed their heartbeat. It runs only
// while there are links.

import { limits } from "../../broker/limits.ts";
import { linkClose } from "../../contracts/link.ts";
import type { Clients } from "./clients.ts";

export interface LinkSweepPorts {
  clients: Clients;
  /** When the platform last answered a beat of this socket, epoch milliseconds; 0: never. */
  beatAt(socket: WebSocket): number;
  /** Calls `run` at that time; `again`: whatever is set already. */
  sweepAt(at: number, again: boolean): void;
}

export class LinkSweep {
  readonly #ports: LinkSweepPorts;
  #armed = false;

  constructor(ports: LinkSweepPorts) {
    this.#ports = ports;
  }

  /** There is a link. */
  arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#ports.sweepAt(Date.now() + limits.sweepMs, false);
  }

  run(): void {
    const { clients, beatAt, sweepAt } = this.#ports;
    const now = Date.now();
    let open = 0;
    for (const link of Array.from(clients.links(true))) {
      const heardAt = Math.max(beatAt(link.socket), link.attachment.connectedAt);
      if (now - heardAt <= limits.heartbeatMissedMs) {
        open += 1;
        continue;
      }
      link.close(linkClose.ours, "no heartbeat");
      clients.detach(link, "server_shutdown");
    }
    clients.reconcile();
    this.#armed = open > 0;
    if (open > 0) sweepAt(now + limits.sweepMs, true);
  }
}
