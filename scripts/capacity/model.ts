// The month of a deployment: what the platform counts and bills, and what that costs. Pure: from the options, what was
// measured and the prices.

import { limits } from "../../src/broker/limits.ts";
import { platform, work } from "./measured.ts";
import { answerMs, type MessageWork, messageCpu, messageWork, streamOpenMs } from "./message-work.ts";
import type { CapacityOptions } from "./options.ts";
import { cloudflare, cloudflarePlan, dollarsFor, objectBilling } from "./prices.ts";
import type { Shards } from "./shards.ts";

export const DAYS = 30;
export const SECONDS = DAYS * 86_400;

export interface Month {
  shards: Shards;
  /** Published, and delivered at once or later. */
  messages: number;
  deliveries: number;
  pings: number;
  connects: number;
  /** Of one message published. */
  each: MessageWork;
  /** Share of the time in which an object of the kind is billed. */
  sessionAwake: number;
  topicAwake: number;
  /** Times an object wakes from hibernation. */
  wakeUps: number;
  /** Where the object requests come from. */
  frames: number;
  answers: number;
  streams: number;
  sweeps: number;
  usage: Usage;
  bill: Bill;
}

/** What is billed, in the units of the prices. */
export type Usage = Record<keyof typeof cloudflare, number>;
/** Dollars. */
export type Bill = Usage & { plan: number; total: number };

export function monthOf(options: CapacityOptions, shards: Shards): Month {
  const online = options.hoursOnline / 24;
  const publishesPerSecond = ((options.devices * options.publishPerMinute) / 60) * online;
  const load = { ...options, publishesPerSecond, sessionShards: shards.session, topicShards: shards.topic };
  const each = messageWork(load);
  const messages = publishesPerSecond * SECONDS;
  const deliveries = messages * options.fanOut;
  const connectedSeconds = options.devices * SECONDS * online;
  const pings = options.keepAliveSeconds === 0 ? 0 : connectedSeconds / options.keepAliveSeconds;
  const beats = connectedSeconds / (limits.heartbeatMs / 1_000);
  const connects = connectsOf(options, messages * each.edgeFrames + 2 * pings);
  const sweeps = (shards.session * SECONDS) / (limits.sweepMs / 1_000);

  const subscribes = options.cleanStart ? connects : 0;
  const frames =
    messages * (each.linkFrames + each.deliveryFrames + each.outcomeFrames + each.topicFrames) +
    subscribes * work.subscribeFrames;
  const answers = messages * (each.sessionAnswers + each.topicAnswers) + subscribes * work.subscribeAnswers;
  const streams = messages * (each.topicStreams + each.sessionStreams) + subscribes * work.subscribeStreams;
  const awake = awakeOf(options, shards, each, { publishesPerSecond, connectsPerSecond: connects / SECONDS });
  const usage: Usage = {
    workerRequests: connects,
    workerCpuMs:
      (messages * messageCpu(each).edge +
        (pings + beats) * work.edgeFrameMicroseconds +
        connects * work.connectMicroseconds) /
      1_000,
    objectRequests:
      connects * (1 + options.lookupShare) +
      streams +
      sweeps +
      (frames + answers) / objectBilling.webSocketMessagesPerRequest,
    objectGbSeconds:
      ((awake.session * shards.session + awake.topic * shards.topic) * SECONDS +
        (connects * options.lookupShare * work.eventMs) / 1_000) *
      objectBilling.gb,
    rowsRead:
      messages * each.rowsRead + connects * work.connectRowsRead + awake.wakesPerSecond * SECONDS * work.wakeRowsRead,
    rowsWritten:
      messages * each.rowsWritten +
      connects * (options.cleanStart ? work.cleanConnectRows : work.persistentConnectRows) +
      sweeps * work.sweepRows,
    storedGb: storedGbOf(options, publishesPerSecond),
  };
  return {
    shards,
    messages,
    deliveries,
    pings,
    connects,
    each,
    sessionAwake: awake.session,
    topicAwake: awake.topic,
    wakeUps: awake.wakesPerSecond * SECONDS,
    frames,
    answers,
    streams,
    sweeps,
    usage,
    bill: billOf(usage),
  };
}

function billOf(usage: Usage): Bill {
  const names = Object.keys(usage) as (keyof Usage)[];
  const parts = Object.fromEntries(names.map((name) => [name, dollarsFor(usage[name], cloudflare[name])])) as Usage;
  const total = names.reduce((sum, name) => sum + parts[name], cloudflarePlan);
  return { ...parts, plan: cloudflarePlan, total };
}

/** Connects of all devices: those of each day, deploys, the end of the hours online, and connections that have carried
 *  as many packets as they may. */
function connectsOf(options: CapacityOptions, packets: number): number {
  const daily = options.reconnectsPerDay + (options.hoursOnline < 24 ? 1 : 0);
  // Spread evenly from once to twice as many.
  const budget = packets / (1.5 * limits.connectionPackets);
  return options.devices * (daily * DAYS + options.deploysPerMonth) + budget;
}

/** An object is billed from an event until it is idle: while a stream of its own is open, or a timer runs. Events come at
 *  random (Poisson) and overlap, so that it is awake for 1 - exp(-(the time that all of them hold it)). */
function awakeOf(
  options: CapacityOptions,
  shards: Shards,
  each: MessageWork,
  { publishesPerSecond, connectsPerSecond }: { publishesPerSecond: number; connectsPerSecond: number },
): { session: number; topic: number; wakesPerSecond: number } {
  const { eventMs, attachMs, sweepMs, answerWaitMs } = work;
  const answered = answerMs(options.qos);
  const up = streamOpenMs(options.streamIdleMs, answered.up);
  const down = streamOpenMs(options.streamIdleMs, answered.down);
  const delivery = options.qos === 0 ? answerWaitMs : limits.ackDeadlineMs;
  const perSession = publishesPerSecond / shards.session;
  const perTopic = publishesPerSecond / shards.topic;
  const attaches = connectsPerSecond / shards.session;
  const sweeps = 1_000 / limits.sweepMs;
  const others = each.linkFrames + each.outcomeFrames + each.sessionAnswers;
  const targets = each.reached + each.outcomeFrames;
  const session: Events[] = [
    { perSecond: perSession, ms: up },
    { perSecond: perSession * each.deliveryFrames, ms: delivery },
    { perSecond: perSession * others, ms: eventMs },
    { perSecond: attaches, ms: attachMs },
    { perSecond: sweeps, ms: sweepMs },
  ];
  const topic: Events[] = [
    { perSecond: perTopic, ms: targets > 0 ? down : eventMs },
    { perSecond: perTopic * each.topicAnswers, ms: eventMs },
  ];
  return {
    session: awakeShare(session),
    topic: awakeShare(topic),
    wakesPerSecond: shards.session * wakes(session) + shards.topic * wakes(topic),
  };
}

interface Events {
  perSecond: number;
  /** For which one keeps the object from being idle. */
  ms: number;
}

function awakeShare(events: Events[]): number {
  const held = events.reduce((sum, { perSecond, ms }) => sum + perSecond * (ms + objectBilling.idleBilledMs), 0);
  return 1 - Math.exp(-held / 1_000);
}

/** Wake-ups a second: events behind as long a silence as hibernation takes. */
function wakes(events: Events[]): number {
  const perSecond = events.reduce((sum, each) => sum + each.perSecond, 0);
  return perSecond * Math.exp((-perSecond * platform.hibernatesAfterMs) / 1_000);
}

/** Sessions, and messages that wait: for half of the hours that a device is away, an hour at least. */
function storedGbOf(options: CapacityOptions, publishesPerSecond: number): number {
  const waitingSeconds = Math.max(1, (24 - options.hoursOnline) / 2) * 3_600;
  const waiting = Math.min(
    publishesPerSecond * options.fanOut * options.persistentShare * waitingSeconds,
    options.devices * limits.sessionQueueMessages,
  );
  const sessions = options.devices * work.sessionBytes;
  return (sessions + waiting * (options.payloadBytes + work.storedMessageBytes)) / 1e9;
}
