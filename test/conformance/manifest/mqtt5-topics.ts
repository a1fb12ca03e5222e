// 5.0: Topics, shared subscriptions, flow control, authentication, errors and WebSocket, sections 4.7 to 6.

import type { Statements } from "./statement.ts";

/** The test of those that do is `mqtt5/shared.test.ts`, switched off in vitest.config.ts. */

export const mqtt5Topics: Statements = {
  "MQTT-4.7.0-1": {
    says: "wildcards belong in filters, not in topics",
    tests: ["[MQTT-3.3.2-2] [MQTT-4.7.0-1] the topic %s is refused"],
  },
  "MQTT-4.7.1-1": {
    says: "# is the last level, and a level of its own",
    tests: [
      "[MQTT-4.7.1-1] the filter %s is refused",
      "[MQTT-4.7.1-2] [MQTT-4.7.1-1] %s matches %j and not %j",
      "[MQTT-4.7.1-1] refuses the name %j",
    ],
  },
  "MQTT-4.7.1-2": {
    says: "+ is a level of its own",
    tests: [
      "[MQTT-4.7.1-2] the filter %s is refused",
      "[MQTT-4.7.1-2] [MQTT-4.7.1-1] %s matches %j and not %j",
      "[MQTT-4.7.1-2] walks 128 levels of wildcards and finds the parent of a number sign",
      "[MQTT-4.7.1-2] [MQTT-4.8.2-2] refuses the filter %j",
    ],
  },
  "MQTT-4.7.2-1": {
    says: "a wildcard in front does not match a topic that begins with $",
    tests: [
      "[MQTT-4.7.2-1] %s does not match a topic that begins with $",
      "[MQTT-4.7.2-1] jumps over all topics with $ for a leading wildcard",
      "[MQTT-4.7.2-1] %j and %j: %j",
    ],
  },
  "MQTT-4.7.3-1": {
    says: "a topic or filter has at least one character",
    tests: [
      "[MQTT-4.7.3-1] an empty topic without an alias is a protocol error",
      "[MQTT-4.7.3-1] an empty filter is refused",
      "[MQTT-4.7.3-1] takes the name %j",
    ],
  },
  "MQTT-4.7.3-2": {
    says: "it has no null character",
    tests: ["[MQTT-4.7.3-2] a null in a topic is malformed", "[MQTT-4.7.3-2] a null in a filter is malformed"],
  },
  "MQTT-4.7.3-3": {
    says: "it has at most 65,535 bytes",
    tests: ["[MQTT-4.7.3-3] the longest topic there can be is delivered, or refused with its reason"],
  },
  "MQTT-4.7.3-4": {
    says: "matching normalises nothing and replaces nothing",
    tests: ["[MQTT-4.7.3-4] %s are not taken for each other"],
  },
  "MQTT-4.8.2-1": {
    says: "a shared filter begins with $share/ and a name of at least one character",
    tests: [
      "[MQTT-4.8.2-1] [MQTT-4.8.2-2] the filter %s is refused",
      "[MQTT-4.8.2-1] the server has shared subscriptions, and says nothing else",
      "[MQTT-4.8.2-1] takes a shared filter apart",
    ],
  },
  "MQTT-4.8.2-2": {
    says: "the name has none of / + #, and is followed by / and a filter",
    tests: [
      "[MQTT-4.8.2-1] [MQTT-4.8.2-2] the filter %s is refused",
      "[MQTT-4.8.2-2] the filter %s is refused",
      "[MQTT-4.7.1-2] [MQTT-4.8.2-2] refuses the filter %j",
    ],
  },
  "MQTT-4.8.2-3": {
    says: "a member gets messages at the QoS that it was granted",
    tests: [
      "[MQTT-4.8.2-3] a member has the QoS that it was granted",
      "[MQTT-4.8.2-3] a message goes to one member of each group",
    ],
  },
  "MQTT-4.8.2-4": {
    says: "a QoS 2 message that was begun with a member is completed when it is back",
    tests: ["[MQTT-4.8.2-4] a QoS 2 message that was begun with a member is completed with it"],
  },
  "MQTT-4.8.2-5": {
    says: "it goes to no other if the member's session ends before",
    tests: ["[MQTT-4.8.2-5] a QoS 2 message whose member is gone for good goes to no other"],
  },
  "MQTT-4.8.2-6": {
    says: "a message that a member refuses goes to no other",
    tests: ["[MQTT-4.8.2-6] a message that a member refuses goes to no other"],
  },
  "MQTT-4.9.0-1": {
    says: "the send quota begins with no more than Receive Maximum, and not with 0",
    tests: [
      "[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more than Receive Maximum are unacknowledged, the rest waits",
      "[MQTT-4.9.0-1] who releases nothing while something waits is ended with 0x93",
    ],
  },
  "MQTT-4.9.0-2": {
    says: "at a quota of 0 nothing above QoS 0 is sent",
    tests: [
      "[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more than Receive Maximum are unacknowledged, the rest waits",
      "[MQTT-4.9.0-2] an unreleased message holds its place in the window until PUBCOMP",
    ],
  },
  "MQTT-4.9.0-3": {
    says: "everything else goes on then",
    tests: ["[MQTT-3.3.4-10] [MQTT-4.9.0-3] with the window full, everything else is answered"],
  },
  "MQTT-4.12.0-1": {
    says: "an authentication method that the server lacks ends the connection, if told then with 0x8C or 0x87",
    tests: [
      "[MQTT-4.12.0-1] an authentication method that the server does not have is refused",
      "[MQTT-4.12.0-1] an unknown method is 0x8C",
    ],
  },
  "MQTT-4.12.0-2": {
    says: "AUTH that asks for more has 0x18",
    tests: ["[MQTT-4.12.0-2] [MQTT-4.12.0-5] [MQTT-3.15.2-1] AUTH 0x18 and CONNACK carry the client's method"],
  },
  "MQTT-4.12.0-3": {
    says: "a client's answer to it has 0x18, too",
    tests: ["[MQTT-4.12.0-3] AUTH that continues nothing is refused"],
  },
  "MQTT-4.12.0-4": {
    says: "authentication that fails ends the connection",
    tests: ["[MQTT-4.12.0-4] [MQTT-3.1.4-2] a wrong password is refused and closed"],
  },
  "MQTT-4.12.0-5": {
    says: "AUTH and CONNACK repeat the method of CONNECT",
    tests: [
      "[MQTT-4.12.0-2] [MQTT-4.12.0-5] [MQTT-3.15.2-1] AUTH 0x18 and CONNACK carry the client's method",
      "[MQTT-4.12.0-5] AUTH with another method is refused",
    ],
  },
  "MQTT-4.12.0-6": {
    says: "without a method the server sends no AUTH, and none in CONNACK",
    tests: ["[MQTT-4.12.0-6] without a method CONNACK has none, and no AUTH comes"],
  },
  "MQTT-4.12.0-7": {
    says: "without a method the client sends no AUTH",
    tests: ["[MQTT-4.12.0-7] AUTH of a client that had no method is a protocol error"],
  },
  "MQTT-4.12.1-1": {
    says: "re-authentication has the method of CONNECT",
    tests: [
      "[MQTT-4.12.1-1] re-authentication of a client that had no method is a protocol error",
      "[MQTT-4.12.1-1] a client may authenticate again",
      "[MQTT-4.12.1-1] re-authentication with another method is a protocol error",
    ],
  },
  "MQTT-4.12.1-2": {
    says: "re-authentication that fails is told with DISCONNECT",
    tests: ["[MQTT-4.12.1-2] re-authentication that fails ends the connection"],
  },
  "MQTT-4.13.1-1": {
    says: "a malformed packet or a protocol error with a reason code ends the connection",
    tests: [
      "[MQTT-4.13.1-1] a reason string twice at %s",
      "[MQTT-4.13.1-1] a property of PUBLISH at %s",
      "[MQTT-4.13.1-1] an unknown property at %s",
      "[MQTT-4.13.1-1] Session Expiry Interval at DISCONNECT, where CONNECT had 0, is a protocol error",
      "[MQTT-4.13.1-1] Session Expiry Interval twice at DISCONNECT is a protocol error",
      "[MQTT-4.13.1-1] a client's %s is refused",
      "[MQTT-4.13.1-1] a Remaining Length of five bytes is malformed",
      "[MQTT-4.13.1-1] %s of one byte is malformed",
      "%s %s with a reason code that it does not have is refused",
      "[MQTT-4.13.1-1] PINGREQ with a body is malformed",
      "[MQTT-4.13.1-1] a Payload Format Indicator of 2 is refused",
      "%s %s at PUBLISH is refused",
      "[MQTT-4.13.1-1] a subscription of QoS 3 is refused",
      "[MQTT-4.13.1-1] Retain Handling 3 is a protocol error",
      "[MQTT-4.13.1-1] a subscription identifier %s is a protocol error",
      "[MQTT-4.13.1-1] UNSUBSCRIBE with a property that it does not have is refused",
    ],
  },
  "MQTT-4.13.2-1": {
    says: "a reason code of 0x80 or more in CONNACK or DISCONNECT means that the connection is closed",
    tests: [
      "[MQTT-4.13.2-1] what is malformed ends the connection, and what came before it counts",
      "[MQTT-4.13.2-1] a wrong user and a wrong password look alike",
    ],
  },
  "MQTT-6.0.0-1": {
    says: "packets travel in binary frames; any other kind closes the connection",
    tests: [
      "[MQTT-6.0.0-1] a text frame closes the connection",
      "[MQTT-6.0.0-1] a text frame before CONNECT closes the connection",
      "[MQTT-6.0.0-1] the server sends binary frames alone",
      "[MQTT-6.0.0-1] closes with 1003 at a text frame",
      "[MQTT-6.0.0-1] closes with 1003 on a text frame, before CONNECT and after it",
    ],
  },
  "MQTT-6.0.0-2": {
    says: "packets and frames need not begin or end together",
    tests: [
      "[MQTT-6.0.0-2] a packet may be cut at any byte",
      "[MQTT-6.0.0-2] a frame may hold several packets and a part of one",
      "[MQTT-6.0.0-2] assembles the same packets however the bytes are cut",
      "[MQTT-6.0.0-2] CONNECT may come byte by byte",
    ],
  },
  "MQTT-6.0.0-3": {
    says: "a client offers the subprotocol mqtt",
    tests: [
      "[MQTT-6.0.0-3] an upgrade that offers %j is not MQTT",
      "[MQTT-6.0.0-3] refuses an upgrade without the subprotocol with 400",
      "[MQTT-6.0.0-3] refuses the subprotocol '%s' with 400",
    ],
  },
  "MQTT-6.0.0-4": {
    says: "the server selects mqtt",
    tests: ["[MQTT-6.0.0-4] the subprotocol is mqtt", "[MQTT-6.0.0-4] answers the subprotocol mqtt"],
  },
};
