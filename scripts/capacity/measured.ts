// The work that was measured, the only place of such numbers: three kinds of runs as they came out, `work` as the units
// that explain them. When a run is made again its line changes here, and a test says whether the units still fit.
//
// Where nothing else is said: 2 cores, workerd 1.20261117, 64 byte payloads, November 2026, `npm run bench -- --counts`.

/** For each message: into session shards, into topic shards. */
type Pair = readonly [session: number, topic: number];

/** A load that keeps the machine at work, one shard of each kind. */
export interface BusyRun {
  title: string;
  qos: 0 | 1 | 2;
  /** Messages of all publishers, and how many publishers and subscribers there were. */
  perSecond: number;
  links: number;
  /** Of the whole process, all hops, for each message. */
  cpuMicroseconds: number;
  frames: Pair;
  /** To batches of these. */
  answers: Pair;
  rowsWritten: number;
}

const [one, five, twenty] = [2, 10, 40]; // Links of so many pairs.

/** Of QoS 0 and 2 the answers were not counted: as many as batches, about. The rate of QoS 2 was not noted: it is the
 *  machine's at that CPU. */
export const busyRuns: readonly BusyRun[] = [
  busy("full load", 0, 57_800, five, 19, [0.03, 0.011], [0.011, 0.011]),
  busy("full load", 1, 25_600, five, 42, [0.151, 0.051], [0.051, 0.041]),
  busy("full load", 2, 7_700, five, 139, [0.32, 0.055], [0.055, 0.055], 0.264),
  busy("2,000 a second", 1, 2_000, twenty, 390, [2.65, 0.72], [0.51, 0.51]),
  busy("one at a time", 1, 2_470, one, 340, [3, 1], [0, 0]),
];

/** A message every 300 ms, so that nothing travels together and the streams between have closed. */
export interface SparseRun {
  qos: 0 | 1 | 2;
  /** Shards of the subscribers' sessions, where the publisher's is 0. */
  subscribers: readonly number[];
  frames: Pair;
  answers: Pair;
  /** Streams opened: to session shards, to topic shards. */
  streams: Pair;
  rowsWritten: number;
}

/** 4 shards of each kind, sessions placed by their client ids, 15 messages each. A message every 50 ms took as many frames
 *  and answers, and opened no streams. Frames one at a time and answers that travel along: `busyRuns`. */
export const sparseRuns: readonly SparseRun[] = [
  sparse(0, [0], [2, 1], [0, 1], [1, 1]),
  sparse(0, [1], [2, 1], [1, 1], [1, 1]),
  sparse(0, [1, 2, 3], [4, 1], [1, 3], [3, 1]),
  sparse(1, [0], [3, 1], [0, 1], [1, 1]),
  sparse(1, [1], [4, 1], [1, 2], [2, 1]),
  sparse(1, [1, 2, 3], [8, 1], [1, 4], [4, 1]),
  sparse(2, [0], [6, 1], [0, 2], [1, 1], 3),
  sparse(2, [1], [6, 1], [1, 2], [2, 1], 3),
  sparse(2, [1, 2, 3], [12, 1], [1, 4], [4, 1], 5),
];

/** Messages at random: 64 publishers, each with a subscriber and a topic of its own, anywhere in 4 shards of each kind. Every
 *  frame between objects was made to take 5 ms (`--shards 4 --delay-ms 5 --seconds 30 --only random`; for other rates
 *  than 16 the workload was changed). */
export const randomRuns: readonly (Omit<SparseRun, "subscribers" | "rowsWritten"> & { perSecond: number })[] = [
  { perSecond: 16, qos: 1, frames: [3.761, 1], answers: [0.78, 1.761], streams: [1.16, 0.774] },
  { perSecond: 32, qos: 1, frames: [3.717, 1.002], answers: [0.747, 1.7], streams: [0.654, 0.566] },
  { perSecond: 64, qos: 1, frames: [3.745, 1.001], answers: [0.791, 1.728], streams: [0.215, 0.243] },
];

/** So much at so many a second; between them it is interpolated over the logarithm of the rate, outside it is constant. */
export type Curve = readonly (readonly [perSecond: number, value: number])[];

export const work = {
  /** CPU of a frame at the edge, in and out again. Fitted to `busyRuns`; a bare echo takes 25 (at load) to 48. */
  edgeFrameMicroseconds: 44,
  /** CPU of a frame or an answer that comes into an object, with what follows from it. Fitted likewise. */
  objectFrameMicroseconds: 36,
  /** CPU of a message itself, over all hops, when its frames are shared by many. Fitted likewise. */
  messageMicroseconds: 16,
  /** CPU of a row that is written for a message: mostly the commit of its event (3,000 a second). */
  rowMicroseconds: 320,
  /** CPU of a stream's opening, at both ends: messages 8 ms apart, with streams that close after 2 ms and with streams
   *  that stay, differ by 617 for each; that machine took 1.4 times the CPU of the other runs. */
  streamMicroseconds: 440,
  /** CPU of a connect, edge and shard together (1,000, 50 at a time). Which part is whose is not known: both get it all. */
  connectMicroseconds: 580,

  /** Frames for each entry of a stream, by the entries a second of a pair of shards: topic frames of `busyRuns`. */
  streamFrames: [
    [200, 1],
    [2_000, 0.72],
    [25_600, 0.051],
  ] as Curve,
  /** Frames for each packet of a link, by the packets a second of it: session frames less those of the stream. */
  linkFrames: [
    [10, 1],
    [100, 0.965],
    [5_100, 0.05],
  ] as Curve,

  /** Rows of a message of QoS 2: for itself, and in each session shard that it reaches (`sparseRuns`). At load those of
   *  one event share them, as frames do. */
  exactlyOnceRows: 2,
  exactlyOnceRowsPerShard: 1,
  exactlyOnceRowsRead: 8,
  /** Rows of a message that is stored for a session, and of its removal, where each comes alone: an upper bound, since
   *  those for other sessions of the shard cost nothing more, and queues that are taken whole a tenth of it. */
  storedRows: 1,
  takenRows: 1,
  storedRowsRead: 4,
  /** Frames of a link for each message taken: many share one (the same run). */
  takenFrames: 0.04,

  /** Rows of a connection's whole life: 40 clients with a subscription, each connected and lost twice. A persistent session
   *  that is back: 1 and 2. One that ends with its connection: 4 for its subscription, 4 for its end. */
  persistentConnectRows: 3,
  cleanConnectRows: 8,
  connectRowsRead: 10,
  /** Frames and answers of a subscription: to its session shard, to the topic shard, and back. */
  subscribeFrames: 3,
  subscribeAnswers: 1,
  subscribeStreams: 2,

  /** Rows of a sweep: its deadline with an index, and the alarm. From the schema, not measured. */
  sweepRows: 3,
  /** Rows that an object reads when it wakes, at most: a test holds that bound. */
  wakeRowsRead: 200,

  /** Storage of a session with a subscription: 458 in its shard (1,000 of them, pages of the database), the rest is its
   *  route in the topic shard, from the schema. */
  sessionBytes: 540,
  /** Of a stored message, beside its payload. From the schema, not measured. */
  storedMessageBytes: 120,

  /** Milliseconds for which an event keeps an object from being idle; an attach, and a sweep of 8,000 links. Estimates. */
  eventMs: 1,
  attachMs: 5,
  sweepMs: 50,
  /** How long an answer waits for company (src/platform/travelling-answer.ts). */
  answerWaitMs: 20,
  /** From one object to another, and to a device and back, of simulated messages. Assumed. */
  hopMs: 5,
  deviceMs: 30,
} as const;

/** What the platform says of one object: https://developers.cloudflare.com/durable-objects/platform/limits/ and
 *  https://developers.cloudflare.com/durable-objects/best-practices/rules-of-durable-objects/ (2026). */
export const platform = {
  /** Requests a second, a "soft limit". */
  objectRequestsPerSecond: 1_000,
  /** The same where each is parsed and writes: 200 to 500. */
  objectWritesPerSecond: 500,
  /** Requests that wait too long are refused as "overloaded". How long that is is not said: assumed. */
  objectQueueMs: 10_000,
  /** Idle for so long, it hibernates. */
  hibernatesAfterMs: 10_000,
} as const;

function busy(
  title: string,
  qos: BusyRun["qos"],
  perSecond: number,
  links: number,
  cpuMicroseconds: number,
  frames: Pair,
  answers: Pair,
  rowsWritten = 0,
): BusyRun {
  return { title, qos, perSecond, links, cpuMicroseconds, frames, answers, rowsWritten };
}

function sparse(
  qos: SparseRun["qos"],
  subscribers: readonly number[],
  frames: Pair,
  answers: Pair,
  streams: Pair,
  rowsWritten = 0,
): SparseRun {
  return { qos, subscribers, frames, answers, streams, rowsWritten };
}
