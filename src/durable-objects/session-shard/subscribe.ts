// SUBSCRIBE and UNSUBSCRIBE: each filter is judged alone; SUBACK waits until the topic shards route to this shard, so
// that whoever has it sees the next publish.

import { limits } from "../../broker/limits.ts";
import { writeSuback, writeUnsuback } from "../../broker/mqtt/server-packets.ts";
import type { SubscribePacket, UnsubscribePacket } from "../../broker/mqtt/packets.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { isShare, memberName, shareOf } from "../../broker/topics/share.ts";
import type { ParsedFilter } from "../../broker/topics/topic-filter.ts";
import { parseTopicFilter } from "../../broker/topics/topic-filter.ts";
import type { Clients } from "./clients.ts";
import { ExclusiveClaims } from "./exclusive-claims.ts";
import type { Link } from "./link.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { Routes } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import type { StorageBound } from "./storage-bound.ts";
import type { StoredSubscription, Subscriptions } from "./subscriptions.ts";
import { UnconfirmedSubscriptions } from "./unconfirmed-subscriptions.ts";

export interface SubscribePorts {
  clients: Clients;
  sessions: Sessions;
  subscriptions: Subscriptions;
  storage: StorageBound;
  routes: Routes;
  retained: RetainedReads;
  subscriptionsMax(): number | null;
  /** Sends what was collected. */
  settle(): void;
}

interface PendingSuback {
  readonly link: Link;
  readonly packetId: number;
  readonly reasonCodes: number[];
  waiting: number;
  answered: boolean;
  timer: ReturnType<typeof setTimeout> | null;
}

/** What a subscription shall be when it stands. */
interface Asked {
  readonly subscription: StoredSubscription;
  /** Retained messages that it may get at once. */
  readonly room: number;
}

export class SubscribeHandler {
  readonly #ports: SubscribePorts;
  readonly #claims: ExclusiveClaims;
  readonly #unconfirmed: UnconfirmedSubscriptions;

  constructor(ports: SubscribePorts) {
    this.#ports = ports;
    this.#claims = new ExclusiveClaims(ports);
    this.#unconfirmed = new UnconfirmedSubscriptions(ports.subscriptions);
  }

  subscribe(link: Link, packet: SubscribePacket): void {
    const pending: PendingSuback = {
      link,
      packetId: packet.packetId,
      reasonCodes: packet.subscriptions.map(() => reasonCodes.unspecifiedError),
      waiting: packet.subscriptions.length,
      answered: false,
      timer: null,
    };
    const undo: (() => void)[] = [];
    const room = Math.floor(
      link.session.outbound.roomForPage(limits.retainedPageMessages) / packet.subscriptions.length,
    );
    packet.subscriptions.forEach((subscription, place) => {
      const settle = (code: number) => {
        pending.reasonCodes[place] = code;
        pending.waiting -= 1;
        if (pending.waiting === 0) this.#answer(pending);
      };
      const parsed = parseTopicFilter(subscription.filter);
      const refusal = parsed === null ? reasonCodes.topicFilterInvalid : this.#judge(link, parsed);
      if (parsed === null || refusal !== null) {
        settle(refusal ?? reasonCodes.topicFilterInvalid);
        return;
      }
      const { exclusive } = parsed;
      const filter = storedFilter(parsed);
      const identifier = packet.subscriptionIdentifier ?? 0;
      const asked = { subscription: { ...subscription, filter, exclusive, identifier }, room };
      if (!exclusive) this.#claims.withdraw(link.session.uid, filter); // The later word counts.
      undo.push(exclusive ? this.#claim(link, asked, settle) : this.#add(link, asked, settle));
    });
    if (pending.answered) return;
    pending.timer = setTimeout(() => {
      for (const rollBack of undo) rollBack();
      this.#ports.settle();
    }, limits.subscribeTimeoutMs);
  }

  unsubscribe(link: Link, packet: UnsubscribePacket): void {
    const { subscriptions, routes, retained } = this.#ports;
    const { uid } = link.session;
    const codes = packet.filters.map((text) => {
      const parsed = parseTopicFilter(text);
      const filter = parsed === null ? text : storedFilter(parsed);
      const withdrawn = this.#claims.withdraw(uid, filter);
      const subscription = subscriptions.find(uid, filter);
      if (subscription === null) return withdrawn ? reasonCodes.success : reasonCodes.noSubscriptionExisted;
      this.#unconfirmed.forget(uid, filter);
      subscriptions.remove(uid, filter);
      retained.drop(uid, filter);
      routes.released(uid, filter, subscription.exclusive);
      return reasonCodes.success;
    });
    link.collect(writeUnsuback(packet.packetId, codes, 5)); // [MQTT-3.10.4-4] [MQTT-3.11.3-2]
  }

  /** The reason code that refuses a filter, or null. */
  #judge(link: Link, parsed: ParsedFilter): number | null {
    const { exclusive } = parsed;
    const filter = storedFilter(parsed);
    const { subscriptions, storage } = this.#ports;
    const { uid } = link.session;
    if (exclusive) {
      const holder = subscriptions.holder(filter) ?? this.#claims.claimant(filter) ?? uid;
      if (holder !== uid) return reasonCodes.quotaExceeded;
    }
    if (subscriptions.find(uid, filter) !== null) return null;
    if (storage.full) return reasonCodes.quotaExceeded;
    const maximum = this.#ports.subscriptionsMax();
    return maximum === null || subscriptions.count(uid) < maximum ? null : reasonCodes.quotaExceeded;
  }

  /** Asks to have a filter exclusively, and adds the subscription only then: whoever is refused must have seen nothing.
   *  Returns what undoes it if it does not stand in time. */
  #claim(link: Link, asked: Asked, settle: (code: number) => void): () => void {
    const { filter, qos } = asked.subscription;
    let undoAdded: (() => void) | null = null;
    const granted = () => {
      undoAdded = this.#add(link, asked, settle);
    };
    const waiter = { qos, granted, settle };
    this.#claims.claim(link.session.uid, filter, waiter);
    return () => {
      this.#claims.timeOut(filter, waiter);
      undoAdded?.();
    };
  }

  /** Stores a subscription and asks for its route and its first retained messages; `settle` gets the code when it stands.
   *  Returns what undoes it if it does not in time. */
  #add(link: Link, { subscription, room }: Asked, settle: (code: number) => void): () => void {
    const { clients, subscriptions, routes } = this.#ports;
    const { filter, exclusive, qos, retainHandling, noLocal } = subscription;
    const { uid, publisher } = link.session;
    const before = subscriptions.find(uid, filter);
    clients.store(link);
    this.#unconfirmed.add(uid, subscription);
    // It has the filter no longer for itself alone.
    if (before?.exclusive === true && !exclusive) routes.released(uid, filter, true);
    const shared = isShare(filter);
    // Retain Handling 1: only if the subscription is new. [MQTT-3.3.1-10] A share has none: section 4.8.2.
    const retained = !shared && (retainHandling === 0 || (retainHandling === 1 && before === null));
    let settled = false;
    const fail = () => {
      if (settled) return;
      settled = true;
      if (this.#unconfirmed.rollBack(uid, subscription)) {
        this.#ports.retained.drop(uid, filter);
        routes.released(uid, filter, exclusive);
      }
      settle(reasonCodes.implementationSpecificError);
    };
    this.#ports.retained.drop(uid, filter);
    const route = shared ? memberName(filter, uid) : filter;
    const wish = retained ? { session: uid, limit: room, notFrom: noLocal ? publisher : undefined } : null;
    const request = routes.want(route, wish, (accepted) => {
      if (settled) return;
      if (!accepted) {
        fail();
        return;
      }
      settled = true;
      this.#unconfirmed.confirm(uid, subscription);
      settle(qos);
    });
    return () => {
      if (request !== null) routes.cancel(request);
      fail();
    };
  }

  #answer(pending: PendingSuback): void {
    pending.answered = true;
    const { link, packetId } = pending;
    link.collect(writeSuback(packetId, pending.reasonCodes, 5)); // [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.9.3-1]
    if (pending.timer !== null) clearTimeout(pending.timer);
  }
}

/** A filter as its subscription is stored: with its group, which makes it another one than without, but not with
 *  `$exclusive/`. */
function storedFilter({ filter, group }: ParsedFilter): string {
  return group === null ? filter : shareOf(group, filter).name;
}
