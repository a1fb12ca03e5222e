// The way of each simulated message, step by step as in ARCHITECTURE.md: what comes into which object, over which stream,
// and for how long that keeps the object awake. Each frame and each answer goes by itself.

import { limits } from "../../../src/broker/limits.ts";
import { platform, work } from "../measured.ts";
import { answerMs } from "../message-work.ts";
import { AwakeObjects } from "./awake-objects.ts";
import { Streams } from "./streams.ts";
import type { TrafficPlan } from "./traffic.ts";

/** Something that happens at a time. */
export type Step = (now: number) => void;

/** For all messages that were counted. */
export interface MessageCounts {
  messages: number;
  pings: number;
  edgeFrames: number;
  sessionFrames: number;
  topicFrames: number;
  sessionAnswers: number;
  topicAnswers: number;
  topicStreams: number;
  sessionStreams: number;
  rowsWritten: number;
}

/** Frames of a device for a message that it publishes or gets. */
const EDGE_FRAMES = { 0: 1, 1: 2, 2: 4 } as const;
/** Acknowledgements of a subscriber. */
const ACKNOWLEDGEMENTS = { 0: 0, 1: 1, 2: 2 } as const;

export class Messages {
  readonly counts: MessageCounts = {
    messages: 0,
    pings: 0,
    edgeFrames: 0,
    sessionFrames: 0,
    topicFrames: 0,
    sessionAnswers: 0,
    topicAnswers: 0,
    topicStreams: 0,
    sessionStreams: 0,
    rowsWritten: 0,
  };
  readonly sessions: AwakeObjects;
  readonly topics: AwakeObjects;
  readonly #plan: TrafficPlan;
  readonly #random: () => number;
  readonly #later: (at: number, step: Step) => void;
  readonly #fromMs: number;
  /** From session shards to topic shards, and back. */
  readonly #up: Streams;
  readonly #down: Streams;
  readonly #answerMs: ReturnType<typeof answerMs>;

  /** `later` does a step at a time. What is before `fromMs` is not counted. */
  constructor(plan: TrafficPlan, random: () => number, later: (at: number, step: Step) => void, fromMs: number) {
    const { sessionShards, topicShards, streamIdleMs, qos } = plan;
    this.#plan = plan;
    this.#random = random;
    this.#later = later;
    this.#fromMs = fromMs;
    this.sessions = new AwakeObjects(sessionShards, fromMs, platform.hibernatesAfterMs);
    this.topics = new AwakeObjects(topicShards, fromMs, platform.hibernatesAfterMs);
    this.#up = new Streams(streamIdleMs, this.sessions, later);
    this.#down = new Streams(streamIdleMs, this.topics, later);
    this.#answerMs = answerMs(qos);
  }

  /** The edge answers it: no object has an event of it. */
  ping(now: number): void {
    this.#count("pings", now);
  }

  publish(device: number, now: number): void {
    const { qos, topicShards } = this.#plan;
    const publisher = this.#plan.shardOf(device);
    const topic = Math.floor(this.#random() * topicShards);
    const subscribers = this.#plan.subscribers(this.#random, publisher);
    this.#count("messages", now);
    this.#count("edgeFrames", now, EDGE_FRAMES[qos] * (1 + subscribers.length));
    this.#atSession(publisher, now, work.eventMs);
    if (qos === 2) {
      this.#count("rowsWritten", now, work.exactlyOnceRows);
      this.#later(now + work.deviceMs, (at) => this.#atSession(publisher, at, work.eventMs)); // PUBREL
    }
    if (this.#up.send(publisher, topic, now, now + this.#answerMs.up)) this.#count("topicStreams", now);
    this.#later(now + work.hopMs, (at) => this.#route(topic, publisher, subscribers, at));
  }

  #route(topic: number, publisher: number, subscribers: readonly number[], now: number): void {
    const { qos } = this.#plan;
    const reached = new Map<number, number>();
    for (const shard of subscribers) reached.set(shard, (reached.get(shard) ?? 0) + 1);
    const own = reached.size === 1 && reached.has(publisher);
    this.#count("topicFrames", now);
    this.topics.keep(topic, now, now + work.eventMs);
    let unsafe = reached.size;
    const safe = (at: number) => {
      // Where the publisher's shard is the only one, the message itself tells it (QoS 1).
      const told = qos === 1 && own;
      if (qos > 0 && !told) this.#send(topic, publisher, at, work.eventMs, this.#answerMs.outcome);
      if (own) return;
      this.#count("sessionAnswers", at);
      this.sessions.keep(publisher, at, at + work.eventMs);
    };
    if (qos === 0 || unsafe === 0) safe(now);
    for (const [shard, clients] of reached) {
      const holdMs = qos === 0 ? work.answerWaitMs : limits.ackDeadlineMs;
      this.#send(topic, shard, now, holdMs, this.#answerMs.down, (at) => {
        unsafe -= 1;
        if (qos > 0 && unsafe === 0) safe(at);
      });
      if (qos === 2) this.#count("rowsWritten", now, work.exactlyOnceRowsPerShard);
      this.#acknowledge(shard, clients, now + work.hopMs);
    }
  }

  /** Each subscriber acknowledges in frames of its own. */
  #acknowledge(shard: number, clients: number, now: number): void {
    for (let round = 1; round <= ACKNOWLEDGEMENTS[this.#plan.qos]; round++) {
      for (let client = 0; client < clients; client++) {
        this.#later(now + round * work.deviceMs, (at) => this.#atSession(shard, at, work.eventMs));
      }
    }
  }

  /** A batch from a topic shard, which keeps its receiver awake, and is answered after so long. */
  #send(topic: number, shard: number, now: number, holdMs: number, answeredMs: number, answered?: Step): void {
    if (this.#down.send(topic, shard, now, now + answeredMs)) this.#count("sessionStreams", now);
    this.#later(now + work.hopMs, (at) => this.#atSession(shard, at, holdMs));
    this.#later(now + answeredMs, (at) => {
      this.#count("topicAnswers", at);
      this.topics.keep(topic, at, at + work.eventMs);
      answered?.(at);
    });
  }

  #atSession(shard: number, now: number, holdMs: number): void {
    this.#count("sessionFrames", now);
    this.sessions.keep(shard, now, now + holdMs);
  }

  #count(name: keyof MessageCounts, now: number, by = 1): void {
    if (now >= this.#fromMs) this.counts[name] += by;
  }
}
