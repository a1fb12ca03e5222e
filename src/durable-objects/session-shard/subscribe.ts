// SUBSCRIBE and UNSUBSCRIBE: each filter is judged alone; SUBACK waits until the topic shards route to this shard, so
// that whoever has it sees the next publish.

import { limits } from "../../broker/limits.ts";
import { writeSuback, writeUnsuback } from "../../broker/mqtt/server-packets.ts";
import type { QoS, SubscribePacket, Subscription, UnsubscribePacket } from "../../broker/mqtt/packets.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { parseTopicFilter } from "../../broker/topics/topic-filter.ts";
import type { Clients } from "./clients.ts";
import type { Link } from "./link.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { Routes } from "./routes.ts";
import type { StorageBound } from "./storage-bound.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface SubscribePorts {
  clients: Clients;
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

export class SubscribeHandler {
  readonly #ports: SubscribePorts;

  constructor(ports: SubscribePorts) {
    this.#ports = ports;
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
      const refusal = this.#judge(link, subscription);
      if (refusal !== null) settle(refusal);
      else undo.push(this.#add(link, subscription, packet.subscriptionIdentifier ?? 0, room, settle));
    });
    if (pending.answered) return;
    pending.timer = setTimeout(() => {
      for (const rollBack of undo) rollBack();
    }, limits.subscribeTimeoutMs);
  }

  unsubscribe(link: Link, packet: UnsubscribePacket): void {
    const { subscriptions, routes, retained } = this.#ports;
    const codes = packet.filters.map((filter) => {
      if (!subscriptions.remove(link.session.uid, filter)) return reasonCodes.noSubscriptionExisted;
      retained.drop(link.session.uid, filter);
      routes.released(filter);
      return reasonCodes.success;
    });
    link.collect(writeUnsuback(packet.packetId, codes, 5)); // [MQTT-3.10.4-4] [MQTT-3.11.3-2]
  }

  /** The reason code that refuses a filter, or null. */
  #judge(link: Link, { filter }: Subscription): number | null {
    const parsed = parseTopicFilter(filter);
    if (parsed === null) return reasonCodes.topicFilterInvalid;
    if (parsed.group !== null) return reasonCodes.sharedSubscriptionsNotSupported;
    const { subscriptions, storage } = this.#ports;
    const maximum = this.#ports.subscriptionsMax();
    if (storage.full && subscriptions.find(link.session.uid, filter) === null) return reasonCodes.quotaExceeded;
    if (maximum === null || subscriptions.find(link.session.uid, filter) !== null) return null;
    return subscriptions.count(link.session.uid) < maximum ? null : reasonCodes.quotaExceeded;
  }

  /** Stores a subscription and asks for its route and its first retained messages, `room` of them; `settle` gets the code
   *  when it stands. Returns what undoes it if it does not in time. */
  #add(link: Link, asked: Subscription, identifier: number, room: number, settle: (code: number) => void): () => void {
    const { clients, subscriptions, routes } = this.#ports;
    const { uid } = link.session;
    const granted: QoS = asked.qos;
    const before = subscriptions.find(uid, asked.filter);
    clients.store(link);
    subscriptions.add(uid, { ...asked, qos: granted, identifier });
    // Retain Handling 1: only if the subscription is new. [MQTT-3.3.1-10]
    const retained = asked.retainHandling === 0 || (asked.retainHandling === 1 && before === null);
    let settled = false;
    const fail = () => {
      if (settled) return;
      settled = true;
      if (before === null) {
        subscriptions.remove(uid, asked.filter);
        routes.released(asked.filter);
      } else {
        subscriptions.add(uid, before);
      }
      settle(reasonCodes.implementationSpecificError);
      this.#ports.settle();
    };
    this.#ports.retained.drop(uid, asked.filter);
    const request = routes.want(asked.filter, retained ? { session: uid, limit: room } : null, (accepted) => {
      if (settled) return;
      if (!accepted) {
        fail();
        return;
      }
      settled = true;
      settle(granted);
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
