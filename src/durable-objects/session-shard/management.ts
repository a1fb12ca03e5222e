// What the control plane, the Deployment object and the deployment's API ask of a shard's clients.

import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { ApiMessage, SessionShardStats } from "../../contracts/rpc.ts";
import type { ShardState } from "../../platform/shard-state.ts";
import type { Clients } from "./clients.ts";
import type { Performer } from "./performer.ts";
import type { PrincipalChanges } from "./principal-changes.ts";
import type { SessionRecords } from "./session-records.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { WriteBehindStore } from "./write-behind-store.ts";

export interface ManagementPorts {
  state: ShardState;
  clients: Clients;
  records: SessionRecords;
  store: WriteBehindStore;
  subscriptions: Subscriptions;
  principals: PrincipalChanges;
  performer: Performer;
}

export class Management {
  readonly #ports: ManagementPorts;

  constructor(ports: ManagementPorts) {
    this.#ports = ports;
  }

  /** Takes a newer config into force and tells the links. Returns the version in force. */
  configure(config: DeploymentConfig): number {
    const { state, performer, clients } = this.#ports;
    if (state.updateConfig(config)) {
      performer.configChanged();
      for (const link of clients.links(true)) link.control({ v: 1, type: "config", config });
      if (config.status === "stopped") this.endAll();
    }
    return state.config.version;
  }

  /** Ends the clients of a user that changed, so that they are judged again. */
  principalChanged(username: string, revision: number, removed: boolean): void {
    const { principals, clients, performer } = this.#ports;
    principals.add(username, revision, Date.now());
    for (const link of Array.from(clients.links(true))) {
      const { attach } = link.attachment;
      if (attach.username !== username || attach.principalRevision >= revision) continue;
      link.control({ v: 1, type: "principal", username, revision });
      if (removed) performer.end(link, reasonCodes.notAuthorized, "the user was removed", "not_authorized");
      else performer.end(link, reasonCodes.administrativeAction, "the user has changed: connect again", "kicked");
    }
    performer.settle();
  }

  /** Publishes for the deployment API: resolves to a reason code a message, when they are safe. */
  publish(messages: readonly ApiMessage[]): Promise<number[]> {
    const outcomes = messages.map(({ packet }) => {
      const publish = readTrustedPublish(packet);
      return new Promise<number>((resolve) => {
        const taken = this.#ports.performer.publish(publish, 0, { routed: resolve });
        if (!taken) resolve(reasonCodes.quotaExceeded);
      });
    });
    return Promise.all(outcomes);
  }

  /** Ends a client by order of the deployment's API and discards its session. False: there is none. */
  kick(clientId: string): boolean {
    const { clients, records, performer } = this.#ports;
    const link = clients.byClientId(clientId);
    const uid = link?.session.uid ?? records.findByClientId(clientId)?.uid;
    if (uid === undefined) return false;
    if (link !== null) performer.end(link, reasonCodes.administrativeAction, "kicked", "kicked");
    clients.discard(uid);
    performer.settle();
    return true;
  }

  stats(): SessionShardStats {
    const { clients, subscriptions, store, performer } = this.#ports;
    const { received, sent, dropped } = performer.counts;
    return {
      connections: clients.connections,
      sessions: clients.sessions(),
      subscriptions: subscriptions.countAll(),
      queuedMessages: store.queued,
      messagesReceived: received,
      messagesSent: sent,
      messagesDropped: dropped,
    };
  }

  /** Ends every client: the deployment stops or is deleted. */
  endAll(): void {
    const { clients, performer } = this.#ports;
    for (const link of Array.from(clients.links(true))) {
      performer.end(link, reasonCodes.serverShuttingDown, "the deployment has stopped", "server_shutdown");
    }
    performer.settle();
  }
}
