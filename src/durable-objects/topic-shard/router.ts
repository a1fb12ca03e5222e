// What the session shards send to a topic shard: each message goes once to every session shard that wants it, routes and
// retained messages are kept.

import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { MemberName, Share } from "../../broker/topics/share.ts";
import { parseMemberName, parseShare } from "../../broker/topics/share.ts";
import { claimedFilter } from "../../broker/topics/topic-filter.ts";
import type { EntryVisitor, RouteRequest } from "../../contracts/envelope.ts";
import { visitEntries } from "../../contracts/envelope-reader.ts";
import { log } from "../../platform/log.ts";
import type { Claims } from "./claims.ts";
import type { Groups } from "./groups.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { RetainedMessage, RetainedStore } from "./retained-store.ts";
import type { RouteTable } from "./route-table.ts";
import type { Routed, SafetyAwaiter, SessionStream } from "./session-stream.ts";

export interface RouterPorts {
  routes: RouteTable;
  claims: Claims;
  groups: Groups;
  retained: RetainedStore;
  reads: RetainedReads;
  /** The stream to a session shard. */
  stream(shard: number): SessionStream;
  /** How many topics may have a retained message here; null: any number. */
  retainedMax(): number | null;
  /** Whether this shard stores as much as it may. */
  full(): boolean;
  /** A retained message is about to be stored. */
  stores(): void;
  /** Something failed: throws, and ends the object, if that was its storage. */
  failed(error: unknown): void;
}

export class Router {
  readonly #ports: RouterPorts;

  constructor(ports: RouterPorts) {
    this.#ports = ports;
  }

  /** Applies a batch of session shard `sender`. */
  apply(sender: number, envelope: Uint8Array): void {
    const visitor: EntryVisitor = {
      publish: (number, publisher, expiresAt, packet) =>
        this.#guarded(sender, number, { publisher, expiresAt, packet, origin: null, member: null }, null),
      publishOnce: (sequence, number, publisher, expiresAt, packet) =>
        this.#guarded(
          sender,
          number,
          { publisher, expiresAt, packet, origin: { shard: sender, sequence }, member: null },
          null,
        ),
      returned: (sequence, name, number, publisher, expiresAt, packet) => {
        // Whatever its QoS it is given once: each copy may come back, and copies of copies would have no end.
        const origin = { shard: sender, sequence };
        this.#guarded(sender, number, { publisher, expiresAt, packet, origin, member: null }, parseShare(name));
      },
      load: (uid, turn, messages) => this.#ports.groups.load(uid, turn, messages),
      routeRequest: (request) => this.#route(sender, request),
      retainedRequest: (request) => this.#ports.reads.next(this.#ports.stream(sender), request),
    };
    visitEntries(envelope, visitor);
  }

  /** A bug of ours costs this message, and its publisher learns it. `share`: the message goes to that group alone. */
  #guarded(sender: number, number: number, message: Routed, share: Share | null): void {
    try {
      if (share === null) this.#publish(sender, number, message);
      else this.#regroup(sender, number, message, share);
    } catch (error) {
      this.#ports.failed(error);
      log.error("a publish failed", { error: String(error) });
      if (number !== 0) this.#ports.stream(sender).routed(number, reasonCodes.unspecifiedError);
    }
  }

  /** Stores a retained message and fans the message out, in one event. */
  #publish(sender: number, number: number, message: Routed): void {
    const { routes, groups, reads, stream } = this.#ports;
    const { packet, origin } = message;
    const publish = readTrustedPublish(packet);
    const { topic } = publish;
    reads.before(topic);
    const routed = (reasonCode: number) => stream(sender).routed(number, reasonCode);
    const retained = !publish.retain || this.#retain({ topic, ...message }, packet.length === publish.payloadOffset);
    if (!retained && origin === null) {
      if (number !== 0) routed(reasonCodes.quotaExceeded);
      return;
    }
    // One that was taken already goes to who subscribes all the same.
    const shards = routes.match(topic);
    const shares = groups.match(topic);
    if (shards.length === 0 && shares.length === 0) {
      if (number !== 0) routed(reasonCodes.noMatchingSubscribers);
      return;
    }
    const own = number !== 0 && origin === null && shards.length === 1 && shards[0] === sender && shares.length === 0;
    if (own && stream(sender).ownMessage(number, message)) return;
    const awaiter = number === 0 ? null : new Outcome(shards.length + shares.length, routed);
    for (const shard of shards) stream(shard).message(awaiter, message);
    if (shares.length === 0) return;
    const repeated = origin !== null && groups.repeated(origin);
    for (const share of shares) {
      if (repeated || !groups.give(share, message, awaiter)) awaiter?.safe();
    }
  }

  /** A member did not get a message: another one shall. */
  #regroup(sender: number, number: number, message: Routed, share: Share): void {
    const { groups, stream } = this.#ports;
    const routed = (reasonCode: number) => stream(sender).routed(number, reasonCode);
    if (message.origin !== null && groups.repeated(message.origin)) routed(reasonCodes.success);
    else if (!groups.give(share, message, new Outcome(1, routed))) routed(reasonCodes.noMatchingSubscribers);
  }

  /** False: the deployment may retain no more messages, or this shard holds as much as it may. */
  #retain(message: RetainedMessage, empty: boolean): boolean {
    const { retained, retainedMax, full, stores } = this.#ports;
    const { topic } = message;
    if (empty) {
      retained.remove(topic);
      return true;
    }
    const maximum = retainedMax();
    if (maximum !== null && retained.count >= maximum && !retained.has(topic)) return false;
    if (full()) return false;
    stores();
    retained.set(message);
    return true;
  }

  /** Stores a route and queues the retained messages in one event, so that no newer live message can overtake them. The
   *  answer comes behind them: if this object dies before, all of it is asked again. */
  #route(sender: number, route: RouteRequest): void {
    const { request, filter, number, wanted, retainedFor: session, retainedLimit: limit, notFrom, movedFrom } = route;
    const { routes, claims, reads } = this.#ports;
    const stream = this.#ports.stream(sender);
    const member = parseMemberName(filter);
    if (member !== null) {
      this.#member(sender, member, route);
      stream.routeStored(request, true);
      return;
    }
    const claimed = claimedFilter(filter);
    if (claimed !== null) {
      stream.routeStored(request, claims.apply(sender, claimed, number, wanted, movedFrom));
      return;
    }
    routes.apply(sender, filter, number, wanted);
    if (session !== null) reads.begin(stream, { session, filter, limit, notFrom });
    stream.routeStored(request, true);
  }

  #member(sender: number, { share: name, uid }: MemberName, { number, wanted, online, movedFrom }: RouteRequest): void {
    const share = parseShare(name);
    if (share === null) return;
    const is = !wanted ? "gone" : online === true ? "online" : "offline";
    this.#ports.groups.apply(share, { shard: sender, uid, number, is, movedFrom });
  }
}

/** Awaits the safety of one message with all session shards that want it. */
class Outcome implements SafetyAwaiter {
  readonly #routed: (reasonCode: number) => void;
  #waiting: number;
  #reasonCode: number = reasonCodes.success;

  constructor(waiting: number, routed: (reasonCode: number) => void) {
    this.#waiting = waiting;
    this.#routed = routed;
  }

  safe(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#routed(this.#reasonCode);
  }

  refused(): void {
    this.#reasonCode = reasonCodes.quotaExceeded;
    this.safe();
  }
}
