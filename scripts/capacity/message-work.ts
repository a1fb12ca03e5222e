// The work of one published message: the frames, answers, streams and rows that it causes, counted along its way
// (ARCHITECTURE.md), fewer where several travel together. Pure.

import { UNUSED_MS } from "../../src/platform/stream-watch.ts";
import type { Curve } from "./measured.ts";
import { work } from "./measured.ts";
import { allInOne, missed, shardsReached } from "./placement.ts";

/** What messages there are, and over how many shards. */
export interface Load {
  devices: number;
  /** Of all devices together. */
  publishesPerSecond: number;
  qos: 0 | 1 | 2;
  fanOut: number;
  /** Shares of the deliveries: to sessions that are away, and acknowledged too late. */
  persistentShare: number;
  lateShare: number;
  sessionShards: number;
  topicShards: number;
  streamIdleMs: number;
}

/** Of one message published, on average. */
export interface MessageWork {
  /** Frames of devices at the edge, in and out. */
  edgeFrames: number;
  /** Into session shards: from links, and from topic shards with the message, and with its outcome. */
  linkFrames: number;
  deliveryFrames: number;
  outcomeFrames: number;
  /** Into topic shards. */
  topicFrames: number;
  /** To batches: into session shards, and into topic shards. */
  sessionAnswers: number;
  topicAnswers: number;
  /** Streams opened: to topic shards, and to session shards. */
  topicStreams: number;
  sessionStreams: number;
  /** Session shards that get the message. */
  reached: number;
  rowsWritten: number;
  rowsRead: number;
}

/** Packets of a link for a message: from its publisher, and from each subscriber. Each has one the other way. */
const PACKETS_IN = {
  0: { publisher: 1, subscriber: 0 },
  1: { publisher: 1, subscriber: 1 },
  2: { publisher: 2, subscriber: 2 },
} as const;
const PACKETS_BOTH_WAYS = { 0: 1, 1: 2, 2: 4 } as const;

export function messageWork(load: Load): MessageWork {
  const { qos, fanOut, sessionShards, topicShards, streamIdleMs, publishesPerSecond } = load;
  const stored = fanOut * load.persistentShare;
  const reached = shardsReached(fanOut, sessionShards);
  const own = allInOne(fanOut, sessionShards);
  // Where the publisher's shard is the only one, the message itself tells it (QoS 1).
  const outcomes = qos === 0 ? 0 : qos === 1 ? 1 - own : 1;
  const targets = reached + (outcomes > 0 ? missed(fanOut, sessionShards) : 0);

  const pairs = sessionShards * topicShards;
  const toTopics = publishesPerSecond / pairs;
  const toSessions = (publishesPerSecond * targets) / pairs;
  const linkRate = (publishesPerSecond * (1 + fanOut)) / load.devices;
  const link = at(work.linkFrames, linkRate);
  const up = at(work.streamFrames, toTopics);
  const down = at(work.streamFrames, toSessions);

  const answered = answerMs(qos);
  const done = answered.down + outcomes * answered.outcome;
  const packets = PACKETS_IN[qos];
  const exactlyOnce = qos === 2 ? 1 : 0;
  const written = stored + fanOut * load.lateShare;
  return {
    edgeFrames: PACKETS_BOTH_WAYS[qos] * (1 + fanOut) * link,
    linkFrames: (packets.publisher + packets.subscriber * (fanOut - stored)) * link + stored * work.takenFrames,
    deliveryFrames: reached * down,
    outcomeFrames: outcomes * down,
    topicFrames: up,
    sessionAnswers: (1 - own) * up,
    topicAnswers: (reached + outcomes) * down,
    topicStreams: opened(publishesPerSecond / sessionShards, 1 / topicShards, streamIdleMs, answered.up),
    sessionStreams: targets * opened(publishesPerSecond / topicShards, targets / sessionShards, streamIdleMs, done),
    reached,
    rowsWritten:
      written * (work.storedRows + work.takenRows) +
      exactlyOnce * (work.exactlyOnceRows + work.exactlyOnceRowsPerShard * reached) * link,
    rowsRead: written * work.storedRowsRead + exactlyOnce * work.exactlyOnceRowsRead,
  };
}

/** CPU microseconds of a message: at the edge, in session shards, in topic shards. */
export function messageCpu(each: MessageWork): { edge: number; session: number; topic: number } {
  const third = work.messageMicroseconds / 3;
  const session = each.linkFrames + each.deliveryFrames + each.outcomeFrames + each.sessionAnswers;
  // A stream's opening is the work of both its ends.
  const streams = ((each.topicStreams + each.sessionStreams) / 2) * work.streamMicroseconds;
  return {
    edge: third + each.edgeFrames * work.edgeFrameMicroseconds,
    session: third + session * work.objectFrameMicroseconds + streams + each.rowsWritten * work.rowMicroseconds,
    topic: third + (each.topicFrames + each.topicAnswers) * work.objectFrameMicroseconds + streams,
  };
}

/** From a batch with a message to its answer, milliseconds: to a topic shard (up) when its subscribers have it, from it
 *  (down) when they have acknowledged it or, but for QoS 1, at once; then goes its outcome. Answers wait for company. */
export function answerMs(qos: Load["qos"]): { up: number; down: number; outcome: number } {
  const outcome = 2 * work.hopMs + work.answerWaitMs;
  const down = outcome + (qos === 1 ? work.deviceMs : 0);
  return { up: 2 * work.hopMs + (qos === 0 ? 0 : down), down, outcome };
}

/** How long an object's streams stay open for a message that comes alone: they are looked at in intervals, and none of
 *  them must have been used for one since the answer. */
export function streamOpenMs(idleMs: number, answeredMs: number): number {
  return Math.ceil((idleMs + answeredMs) / idleMs) * idleMs;
}

/** The share of batches that find their stream closed, where an object has so many messages a second at random, and a
 *  stream is for a `share` of them. It is open still if none since its last batch was followed by silence, and that was
 *  not too long ago. With one stream alone this is `silence`. */
function opened(perSecond: number, share: number, idleMs: number, answeredMs: number): number {
  const silent = silence(perSecond, idleMs, answeredMs);
  const busy = 1 - silent;
  if (busy <= 0 || share <= 0) return 1;
  // What becomes of an open stream first: another batch, or silence. Seldom used, it may wait too long for either.
  const either = silent + busy * share;
  const again = (busy * share) / either;
  const tooLong = Math.exp(((-perSecond * either) / busy) * (UNUSED_MS / 1_000));
  return silent / either + again * tooLong;
}

/** The share of an object's messages that are followed by silence for so long that all streams close. The first of a row is
 *  followed by none in time with the chance `alone`, each further one, anywhere between two looks, with `last`. */
function silence(perSecond: number, idleMs: number, answeredMs: number): number {
  const rate = perSecond / 1_000;
  const alone = Math.exp(-rate * streamOpenMs(idleMs, answeredMs));
  const soonest = Math.exp(-rate * (idleMs + answeredMs));
  const last = rate * idleMs < 1e-6 ? soonest : (soonest * -Math.expm1(-rate * idleMs)) / (rate * idleMs);
  return last / (last + 1 - alone);
}

/** The value of a curve at a rate. */
export function at(curve: Curve, perSecond: number): number {
  let [before] = curve;
  for (const point of curve) {
    if (perSecond <= point[0]) {
      if (before === undefined || before === point) return point[1];
      const way = Math.log(perSecond / before[0]) / Math.log(point[0] / before[0]);
      return before[1] + way * (point[1] - before[1]);
    }
    before = point;
  }
  return before?.[1] ?? 1;
}
