// A numbered object that owns the sessions of the client ids that hash to it. It is a shell: events come in over links,
// calls and alarms, go to the broker's sessions, and the effects are performed here, before the event ends.

import { DurableObject } from "cloudflare:workers";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { ATTACH_HEADER, ATTACHED_HEADER, HEARTBEAT, linkClose } from "../../contracts/link.ts";
import type { Attach, Attached } from "../../contracts/link.ts";
import type {
  ApiMessage,
  ClientFilter,
  ClientInfo,
  DeliverReply,
  NotProvisioned,
  NumberedMove,
  Outcome,
  SessionShardRpc,
  SessionShardStats,
  SlotPage,
  SubscriptionInfo,
} from "../../contracts/rpc.ts";
import type { Env } from "../../platform/env.ts";
import { log } from "../../platform/log.ts";
import { erase } from "../../platform/erase.ts";
import { ShardState } from "../../platform/shard-state.ts";
import { StreamSockets } from "../../platform/stream-sockets.ts";
import { migrations } from "./schema.ts";
import { Shard } from "./shard.ts";

export class SessionShard extends DurableObject<Env> implements SessionShardRpc {
  readonly #streams = new StreamSockets(this.ctx, (envelope) => this.#deliver(envelope));
  #shard: Shard | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const state = ShardState.load(context.storage, migrations);
    if (state !== null) this.#start(state);
  }

  #start(state: ShardState): Shard {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(HEARTBEAT, HEARTBEAT));
    this.#shard = new Shard(this.ctx, this.env, state);
    return this.#shard;
  }

  // ---- Links --------------------------------------------------------------------------------------------------------

  /** Opens a link: see contracts/link.ts. */
  override async fetch(request: Request): Promise<Response> {
    const stream = this.#streams.accept(request);
    if (stream !== null) return stream;
    const shard = this.#shard;
    if (shard === null) return new Response("not provisioned", { status: 404 });
    const header = request.headers.get(ATTACH_HEADER);
    if (header === null) return new Response("no attach", { status: 400 });
    const attach = JSON.parse(header) as Attach;
    const stale = shard.events.stale(attach);
    if (stale !== null) return Response.json(stale, { status: 409 });
    const outcome = shard.events.attach(attach);
    if ("reasonCode" in outcome) return Response.json(outcome, { status: 403 });
    const { 0: edge, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket, outcome.tags);
    shard.events.connected(socket, outcome.attachment);
    if (!outcome.sessionPresent) return new Response(null, { status: 101, webSocket: edge });
    const awaitingRelease = shard.events.awaitingRelease(outcome.attachment);
    const attached: Attached = { v: 1, sessionPresent: true, ...(awaitingRelease.length > 0 && { awaitingRelease }) };
    const headers = { [ATTACHED_HEADER]: JSON.stringify(attached) };
    return new Response(null, { status: 101, webSocket: edge, headers });
  }

  override webSocketMessage(socket: WebSocket, data: ArrayBuffer | string): void {
    if (typeof data === "string") {
      if (!this.#streams.has(socket)) this.#shard?.events.control(data);
      return;
    }
    const bytes = new Uint8Array(data);
    if (this.#streams.has(socket)) this.#streams.receive(socket, bytes);
    else this.#shard?.events.frame(socket, bytes);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    if (!this.#streams.has(socket)) this.#shard?.events.closed(socket, code);
    try {
      socket.close(code === 1005 || code === 1006 ? linkClose.ours : code, "");
    } catch {
      // It is closed already.
    }
  }

  override webSocketError(socket: WebSocket, error: unknown): void {
    if (this.#streams.has(socket)) return;
    log.warn("link failed", { error: String(error) });
    this.#shard?.events.closed(socket, linkClose.ours);
  }

  override async alarm(): Promise<void> {
    await this.#shard?.alarm();
  }

  // ---- Calls --------------------------------------------------------------------------------------------------------

  async configure(deploymentId: string, index: number, config: DeploymentConfig): Promise<number> {
    const shard =
      this.#shard ?? this.#start(ShardState.provision(this.ctx.storage, migrations, deploymentId, index, config));
    return shard.management.configure(config);
  }

  async principalChanged(username: string, revision: number, removed: boolean): Promise<void> {
    this.#shard?.management.principalChanged(username, revision, removed);
  }

  async #deliver(envelope: Uint8Array): Promise<DeliverReply | null> {
    return this.#shard === null ? { status: "not_provisioned", incarnation: 0 } : this.#shard.deliver(envelope);
  }

  async publish(messages: ApiMessage[]): Promise<Outcome<number[], NotProvisioned>> {
    return this.#answer((shard) => shard.intake.publishAll(messages));
  }

  async listClients(
    filter: ClientFilter,
    after: string,
    limit: number,
  ): Promise<Outcome<{ clients: ClientInfo[]; count: number }, NotProvisioned>> {
    return this.#answer((shard) => shard.directory.list(filter, after, limit));
  }

  async findClient(clientId: string): Promise<Outcome<ClientInfo | null, NotProvisioned>> {
    return this.#answer((shard) => shard.directory.find(clientId));
  }

  async keepWill(packet: Uint8Array): Promise<Outcome<string | null, NotProvisioned>> {
    return this.#answer((shard) => shard.keptWills.keep(packet));
  }

  async kickClient(clientId: string): Promise<Outcome<boolean, NotProvisioned>> {
    return this.#answer((shard) => shard.management.kick(clientId));
  }

  async listSubscriptions(clientId: string): Promise<Outcome<SubscriptionInfo[] | null, NotProvisioned>> {
    return this.#answer((shard) => shard.directory.subscriptions(clientId));
  }

  async stats(): Promise<Outcome<SessionShardStats, NotProvisioned>> {
    return this.#answer((shard) => shard.management.stats());
  }

  // ---- Slots that move ----------------------------------------------------------------------------------------------

  async closeSlots(move: NumberedMove): Promise<void> {
    this.#makes(move).moves.close(move);
  }

  async publishesSettled(): Promise<boolean> {
    return this.#provisioned.moves.publishesSettled();
  }

  async filtersOfSlots(move: NumberedMove, after: string): Promise<{ filters: string[]; more: boolean }> {
    return this.#provisioned.moves.filtersOf(move, after);
  }

  async expectFilters(move: NumberedMove, filters: readonly string[]): Promise<void> {
    this.#makes(move).moves.expect(move, filters);
  }

  async filtersRouted(): Promise<boolean> {
    return this.#provisioned.moves.filtersRouted();
  }

  async quiet(serial: number): Promise<boolean> {
    return this.#provisioned.quiet(serial);
  }

  async slotsToGive(count: number): Promise<number[]> {
    return this.#provisioned.transfer.slotsToGive(count);
  }

  async exportSlots(move: NumberedMove, from: string): Promise<SlotPage> {
    return this.#provisioned.transfer.exportPage(move, from);
  }

  async importSlots(move: NumberedMove, index: number, page: Uint8Array): Promise<void> {
    this.#makes(move).transfer.pages.keep(move.id, index, page);
  }

  async adoptSlots(move: NumberedMove, pages: number): Promise<boolean> {
    return this.#provisioned.adopt(move, pages);
  }

  async releaseSlots(move: NumberedMove): Promise<string | null> {
    return this.#makes(move).release(move);
  }

  /** Slots move between shards that serve; where one does not, the move must fail. */
  get #provisioned(): Shard {
    if (this.#shard === null) throw new Error("not provisioned");
    return this.#shard;
  }

  #makes(move: NumberedMove): Shard {
    const shard = this.#provisioned;
    shard.mustMake(move);
    return shard;
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  async destroy(): Promise<void> {
    const shard = this.#shard;
    this.#shard = null;
    try {
      shard?.management.endAll();
    } catch (error) {
      log.error("a destroyed shard's clients could not all be ended", { error });
    }
    await erase(this.ctx, shard !== null);
  }

  async #answer<T>(ask: (shard: Shard) => T | Promise<T>): Promise<Outcome<T, NotProvisioned>> {
    if (this.#shard === null) return { ok: false, error: "not_provisioned" };
    const shard = this.#shard;
    const answer = ask(shard);
    shard.settle();
    return { ok: true, value: await answer };
  }
}
