// What the deployment API sees of a shard's clients.

import { limits } from "../../broker/limits.ts";
import { compareKeys } from "../../broker/compare-keys.ts";
import { exclusiveClaim } from "../../broker/topics/topic-filter.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { ClientFilter, ClientInfo, SubscriptionInfo } from "../../contracts/rpc.ts";
import type { ClosedSlots } from "./closed-slots.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import type { SessionRecord, SessionRecords } from "./session-records.ts";
import type { Sessions } from "./sessions.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface DirectoryPorts {
  links: Links;
  sessions: Sessions;
  records: SessionRecords;
  subscriptions: Subscriptions;
  closed: ClosedSlots;
  config(): DeploymentConfig;
}

export class Directory {
  readonly #ports: DirectoryPorts;

  constructor(ports: DirectoryPorts) {
    this.#ports = ports;
  }

  /** Clients behind `after` in the order of client ids (as SQLite sorts), and how many match in all. */
  list(filter: ClientFilter, after: string, limit: number): { clients: ClientInfo[]; count: number } {
    const { links, records, closed } = this.#ports;
    const { rows, count } = records.list(filter, after, limit, closed.others);
    const transient = Array.from(links.all(), (link) => link)
      .filter((link) => !link.attachment.stored)
      .map((link) => this.#ofLink(link))
      .filter((client) => matches(client, filter));
    const behind = transient.filter(({ clientId }) => compareKeys(clientId, after) > 0);
    const all = [...rows.map((row) => this.#ofRecord(row)), ...behind];
    all.sort((a, b) => compareKeys(a.clientId, b.clientId));
    return { clients: all.slice(0, limit), count: count + transient.length };
  }

  find(clientId: string): ClientInfo | null {
    const link = this.#ports.links.byClientId(clientId);
    if (link !== null) return this.#ofLink(link);
    const record = this.#ports.records.findByClientId(clientId);
    return record === null ? null : this.#ofRecord(record);
  }

  /** Null: there is no such client. */
  subscriptions(clientId: string): SubscriptionInfo[] | null {
    const { sessions, subscriptions } = this.#ports;
    const uid = sessions.uidOf(clientId);
    if (uid === null) return null;
    return subscriptions.list(uid).map(({ filter, exclusive, qos, noLocal, retainAsPublished, retainHandling }) => ({
      clientId,
      topic: exclusive ? exclusiveClaim(filter) : filter,
      qos,
      noLocal,
      retainAsPublished,
      retainHandling,
    }));
  }

  #ofRecord(record: SessionRecord): ClientInfo {
    const link = this.#ports.links.byUid(record.uid);
    if (link !== null) return this.#ofLink(link);
    const session = this.#ports.sessions.find(record.uid);
    return {
      clientId: record.client_id,
      username: record.username,
      protocolVersion: record.protocol_version as 3 | 4 | 5,
      connected: false,
      peerAddress: record.peer_address,
      connectedAt: record.connected_at,
      disconnectedAt: record.disconnected_at,
      createdAt: record.created_at,
      cleanStart: record.clean_start === 1,
      keepAliveSeconds: record.keep_alive,
      sessionExpiryInterval: record.expiry_interval,
      subscriptions: this.#ports.subscriptions.count(record.uid),
      queueLength: session?.outbound.queued ?? 0,
      queueLengthMax: this.#ports.config().settings.queueLengthMax,
      queueDropped: record.dropped + (session?.outbound.dropped ?? 0),
      inflight: 0,
      inflightMax: this.#ports.config().settings.inflightMax,
      disconnectReason: record.disconnect_reason,
    };
  }

  #ofLink({ session, attachment }: Link): ClientInfo {
    const { attach, connectedAt, createdAt, stored } = attachment;
    const record = stored ? this.#ports.records.findByUid(session.uid) : null;
    const { inflightMax, queueLengthMax } = this.#ports.config().settings;
    return {
      clientId: attach.clientId,
      username: attach.username,
      protocolVersion: attach.protocolVersion,
      connected: true,
      peerAddress: attach.peerAddress,
      connectedAt,
      disconnectedAt: null,
      createdAt,
      cleanStart: attach.cleanStart,
      keepAliveSeconds: attach.keepAliveSeconds,
      sessionExpiryInterval: attach.sessionExpiryInterval,
      subscriptions: this.#ports.subscriptions.count(session.uid),
      queueLength: session.outbound.queued,
      queueLengthMax,
      queueDropped: (record?.dropped ?? 0) + session.outbound.dropped,
      inflight: session.outbound.inflight,
      inflightMax: Math.min(attach.receiveMaximum, inflightMax, limits.serverReceiveMaximum),
      disconnectReason: record?.disconnect_reason ?? null,
    };
  }
}

function matches(client: ClientInfo, filter: ClientFilter): boolean {
  return (
    (filter.username === undefined || client.username === filter.username) &&
    (filter.connected === undefined || client.connected === filter.connected) &&
    (filter.likeClientId === undefined || client.clientId.includes(filter.likeClientId)) &&
    (filter.likeUsername === undefined || (client.username ?? "").includes(filter.likeUsername)) &&
    (filter.peerAddress === undefined || client.peerAddress === filter.peerAddress) &&
    (filter.protocolVersion === undefined || client.protocolVersion === filter.protocolVersion) &&
    (filter.cleanStart === undefined || client.cleanStart === filter.cleanStart)
  );
}
