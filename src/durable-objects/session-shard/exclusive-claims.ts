// Filters that a session here asks to have for itself alone: one request to the topic shard for each filter, which all
// SUBSCRIBEs of the session wait for. Who holds a filter already is in the subscriptions.

import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { exclusiveClaim } from "../../broker/topics/topic-filter.ts";
import type { Routes } from "./routes.ts";
import type { Sessions } from "./sessions.ts";

export interface ExclusiveClaimPorts {
  sessions: Sessions;
  routes: Routes;
}

/** A filter of a SUBSCRIBE that waits for the claim. */
export interface Waiter {
  readonly qos: number;
  /** The session has the filter for itself. */
  granted(): void;
  /** It waits no more; a reason code for SUBACK. */
  settle(code: number): void;
}

interface Claiming {
  readonly uid: number;
  readonly waiters: Set<Waiter>;
}

export class ExclusiveClaims {
  readonly #ports: ExclusiveClaimPorts;
  /** By filter. */
  readonly #claiming = new Map<string, Claiming>();

  constructor(ports: ExclusiveClaimPorts) {
    this.#ports = ports;
  }

  /** The session that asks for a filter, or null. */
  claimant(filter: string): number | null {
    return this.#claiming.get(filter)?.uid ?? null;
  }

  /** Asks for a filter that no other session here holds or asks for. */
  claim(uid: number, filter: string, waiter: Waiter): void {
    const { sessions, routes } = this.#ports;
    const asked = this.#claiming.get(filter);
    if (asked !== undefined) {
      asked.waiters.add(waiter);
      return;
    }
    const claiming: Claiming = { uid, waiters: new Set([waiter]) };
    this.#claiming.set(filter, claiming);
    routes.want(exclusiveClaim(filter), null, (accepted) => {
      if (this.#claiming.get(filter) !== claiming) return; // It was given up.
      if (!accepted) {
        this.#refuse(filter, claiming, reasonCodes.quotaExceeded);
      } else if (sessions.find(uid) === null) {
        this.#refuse(filter, claiming, reasonCodes.unspecifiedError);
      } else {
        this.#claiming.delete(filter);
        for (const each of claiming.waiters) each.granted();
      }
    });
  }

  /** The session does not want the filter any more. True if it was asking for it. */
  withdraw(uid: number, filter: string): boolean {
    const claiming = this.#claiming.get(filter);
    if (claiming?.uid !== uid) return false;
    this.#giveUp(filter, uid);
    for (const waiter of claiming.waiters) waiter.settle(waiter.qos);
    return true;
  }

  /** One SUBSCRIBE has waited too long, if it still waits. The claim is given up with the last one. */
  timeOut(filter: string, waiter: Waiter): void {
    const claiming = this.#claiming.get(filter);
    if (claiming?.waiters.delete(waiter) !== true) return;
    if (claiming.waiters.size === 0) this.#giveUp(filter, claiming.uid);
    waiter.settle(reasonCodes.implementationSpecificError);
  }

  #refuse(filter: string, { uid, waiters }: Claiming, code: number): void {
    this.#giveUp(filter, uid);
    for (const waiter of waiters) waiter.settle(code);
  }

  #giveUp(filter: string, uid: number): void {
    this.#claiming.delete(filter);
    this.#ports.routes.released(uid, filter, true);
  }
}
