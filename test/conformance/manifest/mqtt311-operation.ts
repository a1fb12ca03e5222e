// 3.1.1: state, delivery, topics, errors, WebSocket and conformance, sections 4 to 7.

import type { Statements } from "./statement.ts";

export const mqtt311Operation: Statements = {
  "MQTT311-4.1.0-1": {
    says: "a session's state is stored for its whole life",
    tests: ["[MQTT311-4.1.0-1] [MQTT311-4.1.0-2] a session lasts as long as its connection"],
  },
  "MQTT311-4.1.0-2": {
    says: "a session lasts at least as long as its connection",
    tests: ["[MQTT311-4.1.0-1] [MQTT311-4.1.0-2] a session lasts as long as its connection"],
  },
  "MQTT311-4.3.1-1": {
    says: "QoS 0 is sent without DUP",
    tests: ["[MQTT311-2.3.1-5] [MQTT311-4.3.1-1] QoS 0 has no packet id and no DUP"],
  },
  "MQTT311-4.3.2-1": {
    says: "QoS 1, sender: an unused packet id, no DUP, unacknowledged until PUBACK",
    tests: ["[MQTT311-4.3.2-1] messages in flight have packet ids of their own, and no DUP"],
  },
  "MQTT311-4.3.2-2": {
    says: "QoS 1, receiver: PUBACK with the packet id, which then names a new message",
    tests: ["[MQTT311-4.3.2-2] a packet id that was acknowledged names a new message"],
  },
  "MQTT311-4.3.3-1": {
    says: "QoS 2, sender: an unused packet id, no DUP, PUBREL at PUBREC and no PUBLISH behind it",
    tests: [
      "[MQTT311-4.3.3-1] QoS 2 to a client: PUBLISH without DUP, PUBREL with its packet id",
      "[MQTT-4.3.3-1] [MQTT311-4.3.3-1] hands a message of QoS 2 over once",
    ],
  },
  "MQTT311-4.3.3-2": {
    says: "QoS 2, receiver: PUBREC, once only until PUBREL, then PUBCOMP and a new message",
    tests: ["[MQTT311-4.3.3-2] QoS 2 from a client is delivered once, and its packet id is free behind PUBCOMP"],
  },
  "MQTT311-4.4.0-1": {
    says: "what is unacknowledged is sent again when the session is resumed, with its packet id",
    tests: [
      "[MQTT311-4.4.0-1] [MQTT311-3.3.1-1] [MQTT311-2.3.1-4] [MQTT311-4.6.0-1] what was not acknowledged comes again, in its order",
    ],
  },
  "MQTT311-4.5.0-1": {
    says: "a message that the server owns is in the session of every client that subscribes to it",
    tests: ["[MQTT311-3.1.2-5] [MQTT311-4.5.0-1] messages of QoS 1 and 2 wait for a session that is kept"],
  },
  "MQTT311-4.5.0-2": {
    says: "a client acknowledges what it receives, whatever it does with it",
    notApplicable: "binds clients alone",
  },
  "MQTT311-4.6.0-1": {
    says: "what is sent again keeps the order in which it was sent",
    tests: [
      "[MQTT311-4.4.0-1] [MQTT311-3.3.1-1] [MQTT311-2.3.1-4] [MQTT311-4.6.0-1] what was not acknowledged comes again, in its order",
    ],
  },
  "MQTT311-4.6.0-2": {
    says: "PUBACKs come in the order of their PUBLISHes",
    tests: ["[MQTT311-4.6.0-2] [MQTT311-4.6.0-3] [MQTT311-4.6.0-4] answers come in the order of what they answer"],
  },
  "MQTT311-4.6.0-3": {
    says: "PUBRECs come in the order of their PUBLISHes",
    tests: ["[MQTT311-4.6.0-2] [MQTT311-4.6.0-3] [MQTT311-4.6.0-4] answers come in the order of what they answer"],
  },
  "MQTT311-4.6.0-4": {
    says: "PUBRELs come in the order of their PUBRECs",
    tests: ["[MQTT311-4.6.0-2] [MQTT311-4.6.0-3] [MQTT311-4.6.0-4] answers come in the order of what they answer"],
  },
  "MQTT311-4.6.0-5": {
    says: "every topic is an ordered one",
    tests: ["[MQTT311-4.6.0-5] [MQTT311-4.6.0-6] messages of one publisher and topic come in their order"],
  },
  "MQTT311-4.6.0-6": {
    says: "messages of a client on it are sent on in their order, for each QoS",
    tests: ["[MQTT311-4.6.0-5] [MQTT311-4.6.0-6] messages of one publisher and topic come in their order"],
  },
  "MQTT311-4.7.1-1": {
    says: "wildcards belong in filters, not in topics",
    tests: ["[MQTT311-3.3.2-2] [MQTT311-4.7.1-1] the topic %s closes the connection"],
  },
  "MQTT311-4.7.1-2": { says: "# is the last level, and a level of its own", tests: ["%s the filter %s is refused"] },
  "MQTT311-4.7.1-3": { says: "+ is a level of its own", tests: ["%s the filter %s is refused"] },
  "MQTT311-4.7.2-1": {
    says: "a wildcard in front does not match a topic that begins with $",
    tests: ["[MQTT311-4.7.2-1] a leading wildcard does not match a topic that begins with $"],
  },
  "MQTT311-4.7.3-1": {
    says: "a topic or filter has at least one character",
    tests: ["[MQTT311-4.7.3-1] an empty topic closes the connection"],
  },
  "MQTT311-4.7.3-2": {
    says: "it has no null character",
    tests: ["[MQTT311-4.7.3-2] a null in a filter closes the connection"],
  },
  "MQTT311-4.7.3-3": {
    says: "it has at most 65,535 bytes",
    tests: ["[MQTT311-4.7.3-3] the longest filter there can be is answered"],
  },
  "MQTT311-4.7.3-4": {
    says: "matching normalises nothing and replaces nothing",
    tests: ["[MQTT311-4.7.3-4] composed and decomposed letters are not taken for each other"],
  },
  "MQTT311-4.8.0-1": {
    says: "a violation of the protocol closes the connection",
    tests: [
      "[MQTT311-4.8.0-1] %s from a client closes the connection",
      "[MQTT311-4.8.0-1] PUBACK of one byte closes the connection",
    ],
  },
  "MQTT311-4.8.0-2": {
    says: "so does a failure in the middle of handling a packet",
    tests: ["[MQTT311-4.8.0-2] is closed where a publish is refused, behind what came before"],
  },
  "MQTT311-6.0.0-1": {
    says: "packets travel in binary frames; any other kind closes the connection",
    tests: ["[MQTT311-6.0.0-1] a text frame closes the connection"],
  },
  "MQTT311-6.0.0-2": {
    says: "packets and frames need not begin or end together",
    tests: ["[MQTT311-6.0.0-2] [MQTT311-7.1.1-1] packets may be cut at any byte"],
  },
  "MQTT311-6.0.0-3": {
    says: "a client offers the subprotocol mqtt",
    tests: ["[MQTT311-6.0.0-3] [MQTT311-6.0.0-4] the subprotocol is mqtt, and nothing goes without it"],
  },
  "MQTT311-6.0.0-4": {
    says: "the server selects mqtt",
    tests: ["[MQTT311-6.0.0-3] [MQTT311-6.0.0-4] the subprotocol is mqtt, and nothing goes without it"],
  },
  "MQTT311-7.0.0-1": {
    says: "a server that connects to other servers is a conformant client, too",
    notApplicable: "it connects to none",
  },
  "MQTT311-7.0.0-2": {
    says: "nothing but the specification is needed to talk to it",
    tests: [
      "[MQTT311-3.1.4-4] [MQTT311-3.2.0-1] [MQTT311-7.0.0-2] a CONNECT that is right gets return code 0, before anything else",
    ],
  },
  "MQTT311-7.1.1-1": {
    says: "a server has a network that is ordered and loses nothing",
    tests: ["[MQTT311-6.0.0-2] [MQTT311-7.1.1-1] packets may be cut at any byte"],
  },
  "MQTT311-7.1.2-1": { says: "so has a client", notApplicable: "binds clients alone" },
};
