// What objects offer to the Worker and to each other over RPC. Calls are idempotent: the runtime may repeat them.
// An object that its Deployment has not provisioned answers `NotProvisioned` and writes nothing.

import type { DeploymentConfig } from "./deployment-config.ts";
import type { SlotMove } from "../broker/topics/slot-moves.ts";
import type { ApiKeyInfo, ApiKeyRecord, Principal, PrincipalLookup } from "./principal.ts";

/** A typed outcome: an expected failure is data, never an exception. */
export type Outcome<T, E extends string = never> = { ok: true; value: T } | { ok: false; error: E };

/** Why an object does not serve: it was never provisioned, or its deployment was deleted. */
export type NotProvisioned = "not_provisioned";

// ---- Deployment ---------------------------------------------------------------------------------------------------

/** Everything the edge needs to judge a CONNECT, in one call. */
export interface Admission {
  config: DeploymentConfig;
  lookup: PrincipalLookup | null;
}

/** What is given once when a deployment is made: verifiers of the secrets that its owner was shown. */
export interface InitialCredentials {
  principal: Principal;
  apiKey: ApiKeyRecord;
}

/** Progress of a deletion: `done` when every object of the deployment is erased. */
export interface DeletionProgress {
  done: boolean;
}

export interface Page {
  /** From 1. */
  page: number;
  limit: number;
}

export interface UserInfo {
  username: string;
  isSuperuser: boolean;
}

/** The shards of one kind. */
export interface ShardingOfKind {
  /** How many there shall be. */
  wanted: number;
  /** How many have any slots now. */
  serving: number;
  /** Slots that are still to move; 0: it is done. */
  slotsToMove: number;
}

/** How far a deployment is in changing the number of its shards. */
export interface Sharding {
  session: ShardingOfKind;
  topic: ShardingOfKind;
  /** What moves now; null: nothing. `failed`: how often one has been given up since the
   *  last that was made. */
  moving: { kind: "session" | "topic"; from: number; to: number; slots: number; failed: number } | null;
}

/** Of what a shard has too much. */
export type Overload = "connections" | "events" | "stored_bytes";

export interface DeploymentRpc {
  /** How many shards there are, and what moves. */
  sharding(): Promise<Outcome<Sharding, NotProvisioned>>;
  /** A shard has more to do than it should: the deployment grows, if it may. */
  overloaded(kind: "session" | "topic", index: number, what: Overload): Promise<void>;
  /** Creates or changes the deployment; a version not above the stored one changes nothing. Its placement is the object's
   *  own. Returns the version now in force and whether every shard has it. `credentials` count at the first call only. Deleted: refused for ever. */
  configure(
    deploymentId: string,
    config: DeploymentConfig,
    credentials: InitialCredentials | null,
  ): Promise<Outcome<{ version: number; everywhere: boolean }, "deleted">>;
  /** Ends all clients, erases every shard and at last itself but for a tombstone. Call again to learn the progress. */
  destroy(deploymentId: string): Promise<DeletionProgress>;
  /** Config and, if `username` is given, the principal. */
  admit(username: string | null): Promise<Outcome<Admission, NotProvisioned>>;
  findApiKey(key: string): Promise<Outcome<ApiKeyRecord | null, NotProvisioned>>;
  listApiKeys(): Promise<Outcome<ApiKeyInfo[], NotProvisioned>>;
  addApiKey(record: ApiKeyRecord): Promise<Outcome<ApiKeyInfo, NotProvisioned | "limit_reached" | "exists">>;
  removeApiKey(key: string): Promise<Outcome<boolean, NotProvisioned>>;
  listUsers(
    page: Page,
    likeUsername: string | null,
    isSuperuser?: boolean | null,
  ): Promise<Outcome<{ users: UserInfo[]; count: number }, NotProvisioned>>;
  findUser(username: string): Promise<Outcome<UserInfo | null, NotProvisioned>>;
  /** `everywhere`: the change is in force on live connections too. */
  addUser(principal: Principal): Promise<Outcome<{ everywhere: boolean }, NotProvisioned | "exists" | "limit_reached">>;
  /** Null leaves a field as it is. */
  updateUser(
    username: string,
    change: { verifier: Principal["verifier"] | null; isSuperuser: boolean | null },
  ): Promise<Outcome<{ everywhere: boolean }, NotProvisioned | "not_found">>;
  removeUser(username: string): Promise<Outcome<{ everywhere: boolean }, NotProvisioned | "not_found">>;
  /** For GET /health: answers when storage answers. */
  ping(): Promise<true>;
}

// ---- SessionShard -------------------------------------------------------------------------------------------------

export interface SubscriptionInfo {
  clientId: string;
  topic: string;
  qos: 0 | 1 | 2;
  noLocal: boolean;
  retainAsPublished: boolean;
  retainHandling: 0 | 1 | 2;
}

/** A client as the deployment API shows it; times are epoch milliseconds, null when it never happened. */
export interface ClientInfo {
  clientId: string;
  username: string | null;
  protocolVersion: 3 | 4 | 5;
  connected: boolean;
  peerAddress: string;
  connectedAt: number | null;
  disconnectedAt: number | null;
  createdAt: number;
  cleanStart: boolean;
  keepAliveSeconds: number;
  sessionExpiryInterval: number;
  subscriptions: number;
  queueLength: number;
  queueLengthMax: number;
  queueDropped: number;
  inflight: number;
  inflightMax: number;
  disconnectReason: string | null;
}

export interface ClientFilter {
  username?: string;
  connected?: boolean;
  likeClientId?: string;
  likeUsername?: string;
  peerAddress?: string;
  protocolVersion?: 3 | 4 | 5;
  cleanStart?: boolean;
}

export interface SessionShardStats {
  connections: number;
  sessions: number;
  subscriptions: number;
  /** Of which are shared. */
  sharedSubscriptions: number;
  queuedMessages: number;
  messagesReceived: number;
  messagesSent: number;
  messagesDropped: number;
  /** As many for each reason that there was. */
  droppedByReason: Readonly<Record<string, number>>;
  /** Publishes that were answered with a reason code of failure, 0x97 for what was too much. */
  messagesRefused: number;
  /** Clients that were refused: there was no room for them, or their deployment is stopped. */
  connectionsRefused: number;
}

/** A message of the deployment API, already validated; `packet` is a normalised MQTT 5.0 PUBLISH. */
export interface ApiMessage {
  packet: Uint8Array;
}

/** Slots of one shard that go to another, named so that steps which are made again are known. */
export interface NumberedMove extends SlotMove {
  readonly id: number;
}

/** A part of what is stored of slots: JSON and bytes as the shard's own export writes them, opaque to who carries it. */
export interface SlotPage {
  readonly bytes: Uint8Array;
  /** Where the next one begins; null: this is the last. */
  readonly next: string | null;
}

/** What shards of both kinds do when slots move. Each step may be made again. */
export interface MovingShardRpc {
  /** Which of its slots it gives away next, `count` at most, by what is stored of each: one that has much moves when no other
   *  is left, and alone. */
  slotsToGive(count: number): Promise<number[]>;
  /** What is stored of the slots that leave; `from`: "" or the last page's `next`. Nothing changes here. */
  exportSlots(move: NumberedMove, from: string): Promise<SlotPage>;
  /** Keeps page `index`, from 0. */
  importSlots(move: NumberedMove, index: number, page: Uint8Array): Promise<void>;
  /** So many pages were kept: what is in the next one of them is this shard's now. True: that was the last. Nobody is served
   *  from them before the map of slots has changed. */
  adoptSlots(move: NumberedMove, pages: number): Promise<boolean>;
  /** The map of slots has changed: some of what is kept of them is removed. `from`: "" or what the last call answered; null:
   *  nothing is left. */
  releaseSlots(move: NumberedMove, from: string): Promise<string | null>;
}

export interface SessionShardRpc extends MovingShardRpc {
  /** Ends the clients of slots that are to leave, and lets none connect until a config names another move. */
  closeSlots(move: NumberedMove): Promise<void>;
  /** Whether all that clients of closed slots have published is on its way and safe. */
  publishesSettled(move: NumberedMove): Promise<boolean>;
  /** Filters whose messages the closed slots' sessions want, behind `after`. */
  filtersOfSlots(move: NumberedMove, after: string): Promise<{ filters: string[]; more: boolean }>;
  /** Has messages of these filters routed here, until a config names another move. */
  expectFilters(move: NumberedMove, filters: readonly string[]): Promise<void>;
  /** Whether all of them are routed here. */
  filtersRouted(move: NumberedMove): Promise<boolean>;
  /** Whether nothing is under way to the topic shards that are held by the config of this serial. */
  quiet(serial: number): Promise<boolean>;
  /** First provisioning, and every later config. Answers the serial of the one in force. */
  configure(deploymentId: string, index: number, config: DeploymentConfig): Promise<number>;
  /** A user changed or went (`removed`): ends or re-checks its clients, tells the links. Kept while an edge may still
   *  hold the old one. */
  principalChanged(username: string, revision: number, removed: boolean): Promise<void>;
  /** Publishes for the deployment API; one reason code a message, in order, when safe (0x00, 0x10, 0x97, ...). */
  publish(messages: ApiMessage[]): Promise<Outcome<number[], NotProvisioned>>;
  /** Clients by ascending client id, after `after` (exclusive; "" is the beginning). `count` is of all that match. */
  listClients(
    filter: ClientFilter,
    after: string,
    limit: number,
  ): Promise<Outcome<{ clients: ClientInfo[]; count: number }, NotProvisioned>>;
  findClient(clientId: string): Promise<Outcome<ClientInfo | null, NotProvisioned>>;
  /** Keeps a will that is too large for the attach that follows at once. Returns the name under which it is kept, null if
   *  too many are. */
  keepWill(packet: Uint8Array): Promise<Outcome<string | null, NotProvisioned>>;
  /** Ends the connection with 0x98 and discards the session. False: there is none. */
  kickClient(clientId: string): Promise<Outcome<boolean, NotProvisioned>>;
  /** Null: there is no such client. */
  listSubscriptions(clientId: string): Promise<Outcome<SubscriptionInfo[] | null, NotProvisioned>>;
  stats(): Promise<Outcome<SessionShardStats, NotProvisioned>>;
  /** Ends all clients, erases everything. */
  destroy(): Promise<void>;
}

// ---- TopicShard ---------------------------------------------------------------------------------------------------

export interface TopicShardStats {
  topics: number;
  retained: number;
  outbox: number;
  /** Messages that were dropped since the object started: too many waited for a session shard, or for a group, or they
   *  expired while they waited for a group. */
  dropped: number;
}

export interface TopicShardRpc extends MovingShardRpc {
  /** As of a session shard. */
  configure(deploymentId: string, index: number, config: DeploymentConfig): Promise<number>;
  /** Whether nothing is under way to a session shard, or to any (null). */
  delivered(sessionShard: number | null): Promise<boolean>;
  stats(): Promise<Outcome<TopicShardStats, NotProvisioned>>;
  destroy(): Promise<void>;
}

// ---- Streams between shards ---------------------------------------------------------------------------------------
// Their batches travel over sockets (stream.ts). A session shard answers one when it is safe, a topic shard on receipt:
// outcomes travel in the stream back.

/** Answer to a batch. `incarnation` is the receiver's own: a new one tells the sender that the receiver was reset. */
export type DeliverReply =
  /** Applied now or before. */
  | { status: "done"; incarnation: number }
  /** Not the next one: send again from `expected`. */
  | { status: "gap"; incarnation: number; expected: number }
  /** Meant for another incarnation of the receiver: nothing was applied. The sender puts in front what only that one
   *  had, and sends again. */
  | { status: "reset"; incarnation: number }
  /** A newer incarnation of the sender was seen: this one is dead. */
  | { status: "stale"; incarnation: number }
  | { status: "not_provisioned"; incarnation: number };
