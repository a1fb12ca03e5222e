// Ends the links that have missed their heartbeat, and sessions that were lost with the object and have expired. It runs on
// the object's alarm, only while there are links.

import { limits } from "../../broker/limits.ts";
import { linkClose } from "../../contracts/link.ts";
import type { Clients } from "./clients.ts";
import type { Links } from "./links.ts";
import type { PrincipalChanges } from "./principal-changes.ts";
import type { Sessions } from "./sessions.ts";

export interface SweepPorts {
  links: Links;
  clients: Clients;
  sessions: Sessions;
  principals: PrincipalChanges;
  now(): number;
  /** When a socket's last heartbeat was answered (epoch milliseconds); 0: never. */
  heartbeatAt(socket: WebSocket): number;
  /** Calls `run` at that time. */
  runAt(at: number): void;
  /** The same, unless it will be called anyway. */
  runAtLatest(at: number): void;
  /** If it will be called, then at that time already. */
  runSooner(at: number): void;
}

/** Until sessions are ended whose clients were lost with the object, and are not back. */
const LOST_MS = 10_000;

export class Sweep {
  readonly #ports: SweepPorts;
  #armed = false;

  constructor(ports: SweepPorts) {
    this.#ports = ports;
  }

  /** The object begins, with so many links: where there were some and none is left, it has died. */
  recover(connections: number): void {
    if (connections === 0) this.#ports.runSooner(this.#ports.now() + LOST_MS);
  }

  /** There is a link. */
  arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#ports.runAtLatest(this.#ports.now() + limits.sweepMs);
  }

  run(): void {
    const { links, clients, sessions, principals, heartbeatAt, runAt } = this.#ports;
    const now = this.#ports.now();
    let open = 0;
    for (const link of Array.from(links.all())) {
      const heard = Math.max(heartbeatAt(link.socket), link.attachment.connectedAt);
      if (now - heard <= limits.heartbeatMissedMs) {
        open += 1;
        continue;
      }
      link.close(linkClose.ours, "no heartbeat");
      clients.detach(link, "server_shutdown");
    }
    sessions.reconcile();
    principals.forget(now);
    this.#armed = open > 0;
    if (open > 0) runAt(now + limits.sweepMs);
  }
}
