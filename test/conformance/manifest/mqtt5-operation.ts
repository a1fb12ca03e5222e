// 5.0: State, delivery and its order, sections 4.1 to 4.6.

import type { Statements } from "./statement.ts";

export const mqtt5Operation: Statements = {
  "MQTT-4.1.0-1": {
    says: "a session is kept while its connection is open",
    tests: [
      "[MQTT-4.1.0-1] a PUBREL of a session that a clean start ended gets 0x92",
      "[MQTT-4.1.0-1] a session lives while its connection does, whatever its expiry",
    ],
  },
  "MQTT-4.1.0-2": {
    says: "it is discarded when the connection is closed and the expiry has passed",
    tests: [
      "[MQTT-4.1.0-2] a session whose expiry has passed is gone",
      "[MQTT-4.1.0-2] without Session Expiry Interval a session ends with its connection",
    ],
  },
  "MQTT-4.2-1": {
    says: "the network is ordered and loses nothing",
    tests: ["[MQTT-4.2-1] what is sent comes complete and in order"],
  },
  "MQTT-4.3.1-1": {
    says: "QoS 0 is sent without DUP",
    tests: ["[MQTT-2.2.1-2] [MQTT-4.3.1-1] QoS 0 has no packet id and no DUP"],
  },
  "MQTT-4.3.2-1": {
    says: "QoS 1: a new message gets a packet id that is not in use",
    tests: [
      "[MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-2.2.1-4] messages in flight have packet ids of their own, above 0, and no DUP",
      "[MQTT-4.3.3-1] [MQTT-4.3.2-1] [MQTT-4.6.0-1] QoS 2 is once, QoS 1 at least once, both in order, within the window",
    ],
  },
  "MQTT-4.3.2-2": {
    says: "QoS 1: it is sent with that packet id and without DUP",
    tests: [
      "[MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-2.2.1-4] messages in flight have packet ids of their own, above 0, and no DUP",
    ],
  },
  "MQTT-4.3.2-3": {
    says: "QoS 1: it counts as unacknowledged until PUBACK",
    tests: [
      "[MQTT-3.3.1-1] [MQTT-4.4.0-1] [MQTT-4.3.2-3] what was not acknowledged comes again with DUP and its packet id",
    ],
  },
  "MQTT-4.3.2-4": {
    says: "QoS 1: PUBACK has its packet id, and means that the receiver owns the message",
    tests: ["[MQTT-4.3.2-4] [MQTT-2.2.1-5] PUBACK has the packet id of its PUBLISH"],
  },
  "MQTT-4.3.2-5": {
    says: "QoS 1: behind PUBACK the packet id names a new message, whatever DUP says",
    tests: ["[MQTT-4.3.2-5] a packet id that was acknowledged names a new message, even with DUP"],
  },
  "MQTT-4.3.3-1": {
    says: "QoS 2: a new message gets a packet id that is not in use",
    tests: [
      "[MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-4] PUBLISH without DUP, then PUBREL, with one packet id",
      "[MQTT-4.3.3-1] [MQTT-4.3.2-1] [MQTT-4.6.0-1] QoS 2 is once, QoS 1 at least once, both in order, within the window",
      "[MQTT-4.3.3-1] [MQTT311-4.3.3-1] hands a message of QoS 2 over once",
      "[MQTT-4.3.3-1] ${shards} shard(s): once and in order, whatever dies (${kind})",
      "[MQTT-4.3.3-1] [MQTT-4.3.3-8] hands a message over once (session expiry ${sessionExpiryInterval})",
    ],
  },
  "MQTT-4.3.3-2": {
    says: "QoS 2: it is sent with that packet id and without DUP",
    tests: ["[MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-4] PUBLISH without DUP, then PUBREL, with one packet id"],
  },
  "MQTT-4.3.3-3": {
    says: "QoS 2: it counts as unacknowledged until PUBREC",
    tests: ["[MQTT-4.3.3-3] PUBLISH comes again, with DUP, until PUBREC"],
  },
  "MQTT-4.3.3-4": {
    says: "QoS 2: PUBREC below 0x80 is answered by PUBREL with the same packet id",
    tests: ["[MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-4] PUBLISH without DUP, then PUBREL, with one packet id"],
  },
  "MQTT-4.3.3-5": {
    says: "QoS 2: PUBREL counts as unacknowledged until PUBCOMP",
    tests: ["[MQTT-4.3.3-5] [MQTT-4.3.3-6] PUBREL comes again, and PUBLISH does not, until PUBCOMP"],
  },
  "MQTT-4.3.3-6": {
    says: "QoS 2: behind PUBREL the PUBLISH is not sent again",
    tests: ["[MQTT-4.3.3-5] [MQTT-4.3.3-6] PUBREL comes again, and PUBLISH does not, until PUBCOMP"],
  },
  "MQTT-4.3.3-7": {
    says: "QoS 2: what has been sent does not expire",
    tests: ["[MQTT-4.3.3-7] a message that has been sent does not expire"],
  },
  "MQTT-4.3.3-8": {
    says: "QoS 2: PUBREC has the packet id, and means that the receiver owns the message",
    tests: [
      "[MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT-2.2.1-5] PUBREC and PUBCOMP have the packet id of PUBLISH",
      "[MQTT-4.3.3-1] [MQTT-4.3.3-8] hands a message over once (session expiry ${sessionExpiryInterval})",
    ],
  },
  "MQTT-4.3.3-9": {
    says: "QoS 2: behind a PUBREC of 0x80 or more the packet id names a new message",
    tests: ["[MQTT-4.3.3-9] behind a PUBREC that refuses, the packet id names a new message"],
  },
  "MQTT-4.3.3-10": {
    says: "QoS 2: until PUBREL a PUBLISH with the packet id is answered by PUBREC and delivered no second time",
    tests: [
      "[MQTT-4.3.3-10] a PUBLISH that comes again is answered again, and delivered once",
      "[MQTT-4.3.3-10] a PUBLISH that comes again over a new connection is delivered once",
    ],
  },
  "MQTT-4.3.3-11": {
    says: "QoS 2: PUBREL is answered by PUBCOMP with the same packet id",
    tests: ["[MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT-2.2.1-5] PUBREC and PUBCOMP have the packet id of PUBLISH"],
  },
  "MQTT-4.3.3-12": {
    says: "QoS 2: behind PUBCOMP the packet id names a new message",
    tests: ["[MQTT-4.3.3-12] a packet id that was completed names a new message"],
  },
  "MQTT-4.3.3-13": {
    says: "QoS 2: the exchange goes on though the message has expired",
    tests: ["[MQTT-4.3.3-13] the exchange is completed though the message has expired"],
  },
  "MQTT-4.4.0-1": {
    says: "what is unacknowledged is sent again when the session is resumed, with its packet id, and at no other time",
    tests: [
      "[MQTT-3.3.1-1] [MQTT-4.4.0-1] [MQTT-4.3.2-3] what was not acknowledged comes again with DUP and its packet id",
      "[MQTT-4.4.0-1] nothing is sent again while the connection lasts",
      "[MQTT-4.4.0-1] goes on with what must be sent again after the memory was lost in the middle of it",
      "[MQTT-4.4.0-1] keeps messages for a client that is away and sends them in order",
      "[MQTT-4.4.0-1] goes on where a connection was cut, on both sides",
    ],
  },
  "MQTT-4.4.0-2": {
    says: "a PUBACK or PUBREC of 0x80 or more counts as an acknowledgement",
    tests: [
      "[MQTT-4.4.0-2] a message that the client refused at PUBACK does not come again",
      "[MQTT-4.4.0-2] a PUBREC of 0x80 or more ends it",
    ],
  },
  "MQTT-4.5.0-1": {
    says: "a message that the server owns is in the session of every client that subscribes to it",
    tests: ["[MQTT-3.1.2-23] [MQTT-4.5.0-1] subscriptions and messages outlive the connection"],
  },
  "MQTT-4.5.0-2": {
    says: "a client acknowledges what it receives, whatever it does with it",
    notApplicable: "binds clients alone",
  },
  "MQTT-4.6.0-1": {
    says: "what is sent again keeps the order in which it was sent",
    tests: [
      "[MQTT-4.6.0-1] what is sent again comes in its first order",
      "[MQTT-4.3.3-1] [MQTT-4.3.2-1] [MQTT-4.6.0-1] QoS 2 is once, QoS 1 at least once, both in order, within the window",
    ],
  },
  "MQTT-4.6.0-2": {
    says: "PUBACKs come in the order of their PUBLISHes",
    tests: [
      "[MQTT-4.6.0-2] PUBACKs come in the order of their PUBLISHes",
      "[MQTT-4.6.0-2] acknowledges publishes in the order in which they came",
      "[MQTT-4.6.0-2] five hundred packets in one frame come whole and in order",
    ],
  },
  "MQTT-4.6.0-3": {
    says: "PUBRECs come in the order of their PUBLISHes",
    tests: ["[MQTT-4.6.0-3] PUBRECs come in the order of their PUBLISHes"],
  },
  "MQTT-4.6.0-4": {
    says: "PUBRELs come in the order of their PUBRECs",
    tests: ["[MQTT-4.6.0-4] PUBRELs come in the order of their PUBRECs"],
  },
  "MQTT-4.6.0-5": {
    says: "messages of a client on an ordered topic are sent on in their order, for each QoS",
    tests: ["[MQTT-4.6.0-5] [MQTT-4.6.0-6] messages of one publisher and topic come in their order"],
  },
  "MQTT-4.6.0-6": {
    says: "every topic is an ordered one for subscriptions that are not shared",
    tests: ["[MQTT-4.6.0-5] [MQTT-4.6.0-6] messages of one publisher and topic come in their order"],
  },
};
