// Every bound of the data plane, each with what happens when it is reached.
// A deployment's own limits (its plan) come with its config and never exceed these; what its settings may change has its
// default here.

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export const limits = {
  /** What a message that waits in memory costs there beside its bytes, about: it counts where those are bounded, or small
   *  ones would take many times the bound. */
  waitingOverheadBytes: 300,

  /** CONNECT must arrive within this time after the socket opens; else it is closed. */
  connectTimeoutMs: 15 * SECOND,

  /** Unconfirmed bytes of a link, each way; past it the sender collects. */
  linkWindowBytes: 256 * KIB,

  /** How long PUBACKs wait for those of the client's other publishes that are on their way, to share a frame with them. */
  pubackWaitMs: 1,

  /** Bytes of a connection that the shard has not confirmed: past the first PUBACKs wait and QoS 0 is dropped. */
  inboundPendingBytes: 1 * MIB,
  /** Past the second the device is ended with 0x97: a Worker cannot pause reading. */
  inboundPendingBytesHard: 4 * MIB,
  /** The same in packets: a small one costs far more memory than its bytes, and no client may have more unacknowledged. */
  inboundPendingPackets: 100_000,
  /** Packets of a device, or KiB of them, between which nobody else of its thread had a turn, since it sends faster than it
   *  is read; past it ended with 0x96. */
  packetsWithoutTurn: 262_144,
  /** Packets that come while CONNECT is judged, from someone who is nobody yet; past it 0x97 and closed. */
  earlyPackets: 10_000,
  /** PINGREQs answered one by one between two looks at what the device reads; those past it get one answer together. */
  pongsAtOnce: 1_000,

  /** Bytes in a device's socket buffer: past it the shard gets no credit; for longer than the time, or past the hard
   *  bound, closed. */
  outboundBufferedBytes: 256 * KIB,
  outboundStalledMs: 60 * SECOND,
  outboundBufferedBytesHard: 4 * MIB,
  /** The first two while more waits in the isolate than `isolatePendingBytes`: many that read nothing must not take the
   *  memory of all others. */
  outboundBufferedBytesScarce: 64 * KIB,
  outboundStalledMsScarce: 1 * SECOND,

  /** Packets that a connection may carry before it is ended with 0xA0, spread by as many again at random: a Worker's
   *  CPU budget covers the whole life of a socket. */
  connectionPackets: 3_000_000,
  /** Bytes pending over all connections of an isolate; past it new CONNECTs get 0x89. */
  isolatePendingBytes: 64 * MIB,

  /** One batch between shards; past either the sender starts the next batch. */
  batchBytes: 1 * MIB,
  batchMessages: 1_000,
  /** Calls outstanding for a pair of shards; the last makes the receiver write at once, past it the sender collects. */
  pairCallsOutstanding: 8,
  /** A call between shards without an answer for this long counts as failed and is made again. */
  callTimeoutMs: 15 * SECOND,
  /** What a stream between shards holds in memory beyond its outstanding calls, each message's overhead included; past it
   *  QoS 0 is dropped and counted, QoS 1 goes to the outbox. */
  pairPendingBytes: 16 * MIB,

  /** Copies of a batch's messages, for sessions of a shard, that are collected before they are sent or stored, those of one
   *  message always together; past it they are, and then the rest of the batch is handled. */
  copiesAtOnce: 65_536,
  /** Copies in a session shard's memory alone that recipients have not acknowledged; past it what comes is written at once,
   *  and with it what its recipients have there. */
  awaitedCopies: 131_072,

  /** How long a message may be in memory alone while its recipients have not acknowledged; then it is written. */
  ackDeadlineMs: 50,

  /** Published at QoS 2 and not yet safe with all who want it: of one session shard to one topic shard, under way at once. */
  exactlyOnceMessages: 1_000,
  exactlyOnceBytes: 4 * MIB,
  /** Wills too large for the attach, which a shard keeps in memory until the client attaches, for the time at most. */
  keptWills: 100,
  keptWillMs: 30 * SECOND,
  /** Wills of a shard that are due and found its outbox full; past it the oldest is dropped and counted. */
  overdueWills: 10_000,

  /** Durable outbox of a shard; past either a publish is refused: 5.0 gets 0x97, 3.1.1 no answer and the end. */
  outboxMessages: 100_000,
  outboxBytes: 256 * MIB,

  /** Queue of a session; past either the oldest message is dropped and counted. */
  sessionQueueMessages: 1_000,
  sessionQueueBytes: 10 * MIB,

  /** Queues of sessions that end with their connection, of a shard, in memory; past it they are written. */
  keptQueueBytes: 32 * MIB,
  /** They are written, too, when none has grown for this long. */
  keptQueueMs: 1 * SECOND,
  /** What a shard stores, far below the platform's own bound: past it a session shard drops the oldest messages of its
   *  largest queues, logs an error and refuses new sessions and subscriptions, a topic shard new retained messages, with
   *  0x97. */
  storedBytes: 2 * 1024 * MIB,

  /** Unacknowledged messages sent to a client, as far as its Receive Maximum allows more; past it they wait. */
  inflightMessages: 32,
  /** Messages of QoS 2 that a client has not released (a deployment's settings may differ): past it what it publishes
   *  at QoS 2 waits at the edge, and after the time the client is ended with 0x93. */
  awaitingReleases: 100,
  awaitingReleaseMs: 300 * SECOND,
  /** Receive Maximum that the server announces; a client that sends more unacknowledged gets 0x93. The highest there is:
   *  many clients heed none, and memory is bounded by bytes. */
  serverReceiveMaximum: 65_535,
  /** Bytes of publishes to one topic shard whose outcome is awaited, each one's overhead included; past it a publish is
   *  refused: 5.0 gets 0x97, 3.1.1 no answer and the end. */
  awaitedBytes: 32 * MIB,

  /** SUBACK waits this long for the routes to be durable; then 0x83 and roll-back. */
  subscribeTimeoutMs: 10 * SECOND,
  /** A route that no session wants is removed after this time, so that resubscribing costs nothing. */
  routeRemovalDelayMs: 30 * SECOND,

  /** Links of a session shard; past it CONNECT gets 0x89. */
  connectionsPerShard: 8_000,

  /** Past any of these of one shard a deployment that may grow by itself gets twice as many of its kind: clients that are
   *  connected, bytes that are stored, frames and batches a second over a minute. */
  growConnections: 6_000,
  growStoredBytes: 1 * 1024 * MIB,
  growEventsPerSecond: 800,

  /** Slots that move from one shard to another at a time, and what is stored of them: while it is copied, publishing waits. A
   *  slot that has more by itself moves when no other is left, and alone. */
  moveSlots: 64,
  moveBytes: 8 * MIB,
  moveRows: 20_000,
  /** Of this so much is read, kept, adopted or removed in one event: a row more at most. The rest follows in others. */
  movePageBytes: 512 * KIB,
  movePageRows: 5_000,
  /** Sessions of them: their clients are ended, and connect again. */
  moveSessions: 500,
  /** A client that connects meanwhile waits for its session to be there; past it CONNECT gets 0x89. */
  movingWaitMs: 20 * SECOND,
  /** What is published meanwhile waits in a session shard's memory; past it QoS 0 is dropped and counted, QoS 1 and 2 get
   *  0x97. */
  heldBytes: 8 * MIB,

  /** The edge's beat on a link, and how often the shard looks for links that missed it. */
  heartbeatMs: 60 * SECOND,
  sweepMs: 5 * MINUTE,
  /** A link silent for this long at a sweep is ended. */
  heartbeatMissedMs: 150 * SECOND,

  /** Principals are cached at the edge this long at most. */
  principalCacheMs: 60 * SECOND,
  /** Whether a deployment exists is asked anew after this time, when a device comes to its endpoint. */
  endpointCacheMs: 1 * SECOND,
  principalCacheEntries: 10_000,
  /** Concurrent password derivations in an isolate; past it CONNECT gets 0x89. */
  concurrentHashes: 32,
  /** CONNECTs of one address and isolate: tokens a second and burst; past it CONNECT gets 0x9F. */
  connectsPerAddressPerSecond: 500,
  connectsPerAddressBurst: 5_000,
  /** Look-ups of principals for one deployment by an isolate: tokens a second and burst; past it CONNECT gets 0x89. */
  lookupsPerDeploymentPerSecond: 500,
  lookupsPerDeploymentBurst: 2_000,
  /** Fresh look-ups of a user whose cached secret did not fit: past it CONNECT gets 0x9F. */
  relookupsPerUserPerSecond: 2,
  relookupsPerUserBurst: 20,
  /** Wrong credentials from one address: past it, what the cache does not allow gets 0x9F (HTTP: 429). */
  refusalsPerAddressPerSecond: 5,
  refusalsPerAddressBurst: 100,
  /** Addresses, users and deployments whose rates an isolate follows; past it the least recently seen starts anew. */
  ratesFollowed: 20_000,
  /** A look-up without an answer for this long has failed; CONNECT gets 0x88. */
  lookupTimeoutMs: 10 * SECOND,

  /** Users of a deployment, those included whose removal has not reached every shard; past it none is added. */
  usersPerDeployment: 100_000,
  /** API keys of a deployment; past it none is added. */
  apiKeysPerDeployment: 100,

  /** Largest MQTT packet that any plan allows; announced as Maximum Packet Size, past it 0x95. */
  packetBytes: 1 * MIB + 64 * KIB,
  /** Largest CONNECT, by someone who is nobody yet; past it the connection is closed. */
  connectPacketBytes: 256 * KIB,
  clientIdBytes: 1_024,
  /** A longer user name: CONNECT gets 0x86, and the API makes no such user. */
  usernameBytes: 1_024,
  topicBytes: 4_096,
  topicLevels: 128,
  /** Filters of one SUBSCRIBE or UNSUBSCRIBE, which is handled in one go; past it the connection is ended with 0x97. */
  filtersPerPacket: 10_000,
  /** Filters that a connection may send in SUBSCRIBE and UNSUBSCRIBE: a second and at once; past it ended with 0x97. */
  filtersPerSecond: 500,
  filtersBurst: 10_000,
  /** Topic aliases that the server accepts from a client. */
  topicAliasMaximum: 65_535 >> 4,
  /** Topics to which the server gives aliases for a client, as far as its Topic Alias Maximum allows; past it the least
   *  recently sent goes by name again. */
  outboundTopicAliases: 64,

  /** Cached results of topic lookups in a shard: topics and what they matched, together; past it the least recently
   *  used goes. */
  matchCacheEntries: 50_000,
  /** Groups of shared subscriptions kept in a topic shard's memory. */
  groupCacheEntries: 10_000,
  /** Cached nodes of the subscription trie in a shard. */
  trieCacheNodes: 100_000,
  /** Sessions without a connection kept in a shard's memory. */
  offlineSessionCache: 5_000,
  /** Retained messages that are read for a new subscription at a time, in messages, bytes, and topics looked at; past any
   *  the rest follows when the client has taken them. */
  retainedPageMessages: 100,
  retainedPageBytes: 64 * KIB,
  retainedPageSeeks: 2_000,
  /** Subscriptions of which a topic shard remembers what it has still to send; past it, of the least recent one a live
   *  message may come before an older retained one. */
  retainedReads: 1_000,
} as const;

export type Limits = typeof limits;
