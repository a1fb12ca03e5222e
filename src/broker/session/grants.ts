// Subscriptions that match one topic, merged a session: one copy a message with the highest QoS and all identifiers.

import type { QoS } from "../mqtt/packets.ts";

/** A stored subscription of a session. */
export interface SessionSubscription {
  readonly session: number;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** Subscription Identifier; 0: none. */
  readonly identifier: number;
}

/** How one session gets a message. [MQTT-3.3.4-2] [MQTT-3.3.4-3] */
export interface Grant {
  readonly session: number;
  readonly qos: QoS;
  readonly retainAsPublished: boolean;
  readonly identifiers: readonly number[];
  /** The same for a message that the session itself published: without its No Local subscriptions. [MQTT-3.8.3-3] */
  readonly own: Grant | null;
}

/** Merges all matching subscriptions of all sessions of a shard. */
export function mergeGrants(subscriptions: readonly SessionSubscription[]): Grant[] {
  const bySession = new Map<number, SessionSubscription[]>();
  for (const subscription of subscriptions) {
    const list = bySession.get(subscription.session);
    if (list === undefined) bySession.set(subscription.session, [subscription]);
    else list.push(subscription);
  }
  return Array.from(bySession, ([session, list]) => {
    const others = list.filter((subscription) => !subscription.noLocal);
    const all = merge(session, list);
    if (others.length === list.length) return all;
    return { ...all, own: others.length === 0 ? null : merge(session, others) };
  });
}

function merge(session: number, list: readonly SessionSubscription[]): Grant {
  let qos: QoS = 0;
  let retainAsPublished = false;
  const identifiers: number[] = [];
  for (const subscription of list) {
    if (subscription.qos > qos) qos = subscription.qos;
    retainAsPublished ||= subscription.retainAsPublished;
    if (subscription.identifier !== 0) identifiers.push(subscription.identifier);
  }
  const grant: { -readonly [K in keyof Grant]: Grant[K] } = { session, qos, retainAsPublished, identifiers, own: null };
  grant.own = grant;
  return grant;
}
