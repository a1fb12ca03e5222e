// What a shard is told from outside its messages: a new config, users that changed, clients to be ended; and its figures.

import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { DeploymentConfig, Placement } from "../../contracts/deployment-config.ts";
import { placementOf, serialOf } from "../../contracts/deployment-config.ts";
import type { SessionShardStats } from "../../contracts/rpc.ts";
import type { ShardState } from "../../platform/shard-state.ts";
import type { Clients } from "./clients.ts";
import type { ClosedSlots } from "./closed-slots.ts";
import type { EffectPerformer } from "./effect-performer.ts";
import type { Intake } from "./intake.ts";
import type { Links } from "./links.ts";
import type { PrincipalChanges } from "./principal-changes.ts";
import type { Sessions } from "./sessions.ts";
import type { SlotMoves } from "./slot-moves.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { WriteBehindStore } from "./write-behind-store.ts";

export interface ManagementPorts {
  state: ShardState;
  links: Links;
  sessions: Sessions;
  closed: ClosedSlots;
  clients: Clients;
  store: WriteBehindStore;
  subscriptions: Subscriptions;
  principals: PrincipalChanges;
  intake: Intake;
  effects: Effect[];
  performer: EffectPerformer;
  moves: SlotMoves;
  now(): number;
  /** Changes all of it or nothing. */
  changeRows<T>(change: () => T): T;
}

export class Management {
  readonly #ports: ManagementPorts;

  constructor(ports: ManagementPorts) {
    this.#ports = ports;
  }

  /** Takes a newer config into force and tells the links. Returns the serial of the one in force. */
  configure(config: DeploymentConfig): number {
    const { state, intake, links, sessions, effects, performer, moves, now } = this.#ports;
    const before = state.config;
    const placed = state.placement;
    const next = placementOf(config);
    const moved = serialOf(config) > serialOf(before) && !isSame(placed, next);
    const take = () => {
      const newer = state.updateConfig(config);
      if (newer && moved) moves.placed(placed, next);
      return newer;
    };
    const newer = moved ? this.#ports.changeRows(take) : take();
    if (newer) {
      const sameSlots = placed.session.sizes.get(state.index) === state.placement.session.sizes.get(state.index);
      if (before.version !== config.version || !sameSlots) intake.renewRate();
      // Where slots live an edge learns when it must know.
      if (before.version === config.version) {
        performer.settle();
        return serialOf(config);
      }
      sessions.limitAll();
      for (const link of links.all()) {
        link.control({ v: 1, type: "config", config });
        link.session.handle({ type: "stored" }, now(), effects); // As much as its bounds are now.
      }
      if (config.status === "stopped") this.endAll();
      performer.settle();
    }
    return serialOf(state.config);
  }

  /** Ends the clients of a user that changed, so that they are judged again. */
  principalChanged(username: string, revision: number, removed: boolean): void {
    const { principals, links, clients, performer, now } = this.#ports;
    principals.add(username, revision, now());
    for (const link of Array.from(links.all())) {
      if (link.attachment.attach.username !== username) continue;
      if (link.attachment.attach.principalRevision >= revision) continue;
      link.control({ v: 1, type: "principal", username, revision });
      if (removed) clients.end(link, reasonCodes.notAuthorized, "the user was removed", "not_authorized");
      else clients.end(link, reasonCodes.administrativeAction, "the user has changed: connect again", "kicked");
    }
    performer.settle();
  }

  /** Ends a client and discards its session. False: there is none. */
  kick(clientId: string): boolean {
    const { links, sessions, clients, closed, performer } = this.#ports;
    // It may have been copied already, and would be back.
    if (closed.hasClient(clientId)) throw new Error("the session moves to another shard");
    const uid = sessions.uidOf(clientId);
    if (uid === null) return false;
    const link = links.byClientId(clientId);
    if (link !== null) clients.end(link, reasonCodes.administrativeAction, "kicked", "kicked");
    sessions.discard(uid);
    performer.settle();
    return true;
  }

  stats(): SessionShardStats {
    const { links, sessions, subscriptions, store, intake, performer } = this.#ports;
    return {
      connections: links.count,
      sessions: sessions.count,
      subscriptions: subscriptions.countAll(),
      sharedSubscriptions: subscriptions.countShared(),
      queuedMessages: store.queued,
      messagesReceived: intake.received,
      messagesSent: performer.sent,
      messagesDropped: performer.dropped.total,
      droppedByReason: performer.dropped.byReason,
      messagesRefused: performer.messagesRefused,
      connectionsRefused: performer.connectionsRefused,
    };
  }

  /** Ends every client: the deployment stops or is deleted. */
  endAll(): void {
    const { links, clients, performer } = this.#ports;
    for (const link of Array.from(links.all())) {
      clients.end(link, reasonCodes.serverShuttingDown, "the deployment has stopped", "server_shutdown");
    }
    performer.settle();
  }
}

function isSame(a: Placement, b: Placement): boolean {
  return JSON.stringify(toCompare(a)) === JSON.stringify(toCompare(b));
}

function toCompare({ session, topic, held, move }: Placement): unknown {
  return [session.runs, topic.runs, Array.from(held), move];
}
