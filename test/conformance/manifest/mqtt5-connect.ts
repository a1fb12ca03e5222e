// 5.0: CONNECT: its place and its variable header, sections 3.1.0 to 3.1.2.

import type { Statements } from "./statement.ts";

export const mqtt5Connect: Statements = {
  "MQTT-3.1.0-1": {
    says: "CONNECT is a client's first packet",
    tests: [
      "[MQTT-3.1.0-1] AUTH before CONNECT ends the connection without an answer",
      "[MQTT-3.1.0-1] %s before CONNECT ends the connection without an answer",
      "%s ill-formed UTF-8: %s",
      "[MQTT-3.1.0-1] nothing but CONNECT is answered",
      "[MQTT-3.1.0-1] no answer is due but to CONNECT",
      "[MQTT-3.1.0-1] anything before CONNECT ends the connection without an answer",
    ],
  },
  "MQTT-3.1.0-2": {
    says: "a second one is a protocol error that ends the connection",
    tests: [
      "[MQTT-3.1.0-2] a second CONNECT is a protocol error",
      "%s ill-formed UTF-8: %s",
      "[MQTT-3.1.0-2] a second CONNECT ends the connection with 0x82",
    ],
  },
  "MQTT-3.1.2-1": {
    says: "the protocol name is MQTT; who has another is turned away, if told then with 0x84",
    tests: ["[MQTT-3.1.2-1] another protocol name is 0x84, or nothing, and closed", "%s ill-formed UTF-8: %s"],
  },
  "MQTT-3.1.2-2": {
    says: "a protocol version that the server does not speak ends the connection, if told then with 0x84",
    tests: [
      "[MQTT-3.1.2-2] protocol version %i is 0x84 and closed",
      "%s ill-formed UTF-8: %s",
      "[MQTT-3.1.2-2] an unknown protocol level is 0x84, before 5.0 return code 1",
    ],
  },
  "MQTT-3.1.2-3": {
    says: "the server checks that the reserved flag is 0",
    tests: [
      "[MQTT-3.1.2-3] the reserved flag of CONNECT must be 0",
      "%s ill-formed UTF-8: %s",
      "[MQTT-3.1.2-3] a malformed CONNECT of 5.0 is 0x81",
    ],
  },
  "MQTT-3.1.2-4": {
    says: "a clean start discards the session that was there",
    tests: [
      "[MQTT-3.2.2-2] [MQTT-3.1.2-4] a clean start finds no session",
      "[MQTT-3.1.2-4] forgets the session at a clean start",
    ],
  },
  "MQTT-3.1.2-5": {
    says: "without a clean start the session that is there goes on",
    tests: ["[MQTT-3.2.2-3] [MQTT-3.1.2-5] [MQTT-3.1.2-6] says whether there is a session"],
  },
  "MQTT-3.1.2-6": {
    says: "without a clean start and without a session a new one begins",
    tests: ["[MQTT-3.2.2-3] [MQTT-3.1.2-5] [MQTT-3.1.2-6] says whether there is a session"],
  },
  "MQTT-3.1.2-7": {
    says: "a will is stored with the session",
    tests: ["[MQTT-3.1.2-7] [MQTT-3.1.2-8] a will is published when the connection fails"],
  },
  "MQTT-3.1.2-8": {
    says: "it is published once the connection is closed and its delay or the session is over, unless it was taken back",
    tests: [
      "[MQTT-3.1.2-8] a take-over publishes the will of the connection that it ends",
      "[MQTT-3.1.2-8] a clean start publishes a delayed will of the session that it ends",
      "[MQTT-3.1.2-8] a client's DISCONNECT %i publishes the will",
      "[MQTT-3.1.2-7] [MQTT-3.1.2-8] a will is published when the connection fails",
      "[MQTT-3.1.2-8] a will is published when the server ends the connection for a protocol error",
      "[MQTT-3.1.2-8] a will is published when keep alive has passed",
      "[MQTT-3.1.2-8] DISCONNECT 0x04 asks for the will",
      "[MQTT-3.1.2-8] a will whose delay has passed is published",
      "[MQTT-3.1.2-8] the end of the session publishes a will whose delay is longer",
      "[MQTT-3.1.2-8] [MQTT311-3.1.2-8] publishes a will, and none after DISCONNECT",
      "[MQTT-3.1.2-8] is published when the connection breaks (session expiry ${sessionExpiryInterval})",
    ],
  },
  "MQTT-3.1.2-9": {
    says: "the will's fields are there if the flag says so",
    tests: [
      "[MQTT-3.1.2-9] a will flag without the will's fields is malformed",
      "%s ill-formed UTF-8: %s",
      "[MQTT-3.1.2-9] a will has its properties, and its own expiry",
    ],
  },
  "MQTT-3.1.2-10": {
    says: "a will that was published or taken back by a normal DISCONNECT is removed",
    tests: [
      "[MQTT-3.1.2-10] [MQTT-3.14.4-3] DISCONNECT 0x00 discards the will",
      "[MQTT-3.1.2-10] a will is published once",
    ],
  },
  "MQTT-3.1.2-11": {
    says: "without a will its QoS is 0",
    tests: ["[MQTT-3.1.2-11] will QoS without a will is malformed", "%s ill-formed UTF-8: %s"],
  },
  "MQTT-3.1.2-12": {
    says: "a will has QoS 0, 1 or 2",
    tests: [
      "[MQTT-3.1.2-12] a will of QoS 3 is malformed",
      "%s ill-formed UTF-8: %s",
      "[MQTT-3.1.2-12] [MQTT-3.2.2-12] a will may have QoS %i",
    ],
  },
  "MQTT-3.1.2-13": {
    says: "without a will its retain flag is 0",
    tests: ["[MQTT-3.1.2-13] will retain without a will is malformed", "%s ill-formed UTF-8: %s"],
  },
  "MQTT-3.1.2-14": {
    says: "a will without its retain flag is published as not retained",
    tests: ["[MQTT-3.1.2-14] a will without retain is not retained"],
  },
  "MQTT-3.1.2-15": {
    says: "a will with it is published as retained",
    tests: ["[MQTT-3.1.2-15] a will with retain is retained"],
  },
  "MQTT-3.1.2-16": {
    says: "without its flag there is no user name",
    tests: ["[MQTT-3.1.2-16] a user name without its flag is malformed", "%s ill-formed UTF-8: %s"],
  },
  "MQTT-3.1.2-17": {
    says: "with its flag there is a user name",
    tests: [
      "[MQTT-3.1.2-17] a user name flag without a user name is malformed",
      "%s ill-formed UTF-8: %s",
      "[MQTT-3.1.2-17] is retained if it says so",
    ],
  },
  "MQTT-3.1.2-18": {
    says: "without its flag there is no password",
    tests: ["[MQTT-3.1.2-18] a password without its flag is malformed", "%s ill-formed UTF-8: %s"],
  },
  "MQTT-3.1.2-19": {
    says: "with its flag there is a password",
    tests: ["[MQTT-3.1.2-19] a password flag without a password is malformed", "%s ill-formed UTF-8: %s"],
  },
  "MQTT-3.1.2-20": {
    says: "a client with a keep alive sends PINGREQ when it has nothing else to send",
    notApplicable: "binds clients alone",
  },
  "MQTT-3.1.2-21": { says: "a client takes the server's keep alive for its own", notApplicable: "binds clients alone" },
  "MQTT-3.1.2-22": {
    says: "silence of one and a half keep alives ends the connection as a failure",
    tests: [
      "[MQTT-3.1.2-22] a client that is silent for one and a half keep alives is ended",
      "[MQTT-3.1.2-22] ends a device after one and a half keep alives of silence, counted from what it last sent",
      "[MQTT-3.1.2-22] what is no whole packet is no sign of life",
      "[MQTT-3.1.2-22] keep alive 0 ends nobody",
      "[MQTT-3.1.2-22] version %i: silent for one and a half keep alives, ended",
    ],
  },
  "MQTT-3.1.2-23": {
    says: "a session with an expiry above 0 is stored when its connection closes",
    tests: [
      "[MQTT-3.1.2-23] Session Expiry Interval at DISCONNECT replaces that of CONNECT",
      "[MQTT-3.1.2-23] [MQTT-4.5.0-1] subscriptions and messages outlive the connection",
    ],
  },
  "MQTT-3.1.2-24": {
    says: "nothing is sent that exceeds the client's Maximum Packet Size",
    tests: [
      "[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message larger than the client takes is left out, and counts as sent",
      "[MQTT-3.1.2-24] %s of more than Maximum Packet Size ends it instead",
      "[MQTT-3.1.2-24] a message of exactly Maximum Packet Size is sent",
      "[MQTT-3.1.2-24] Maximum Packet Size is that of the connection, not of the session",
      "[MQTT-3.1.2-24] drops a message too large for the client, for it alone",
      "[MQTT-3.1.2-24] a CONNACK that is too large even so is not sent",
      "[MQTT-3.1.2-24] its link is closed when CONNACK is larger than what it takes",
      "[MQTT-3.1.2-24] a reason is left out where it would make the packet too large for the client",
    ],
  },
  "MQTT-3.1.2-25": {
    says: "a message that would exceed it counts as sent",
    tests: ["[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message larger than the client takes is left out, and counts as sent"],
  },
  "MQTT-3.1.2-26": {
    says: "a topic alias to the client is within its maximum",
    tests: ["[MQTT-3.1.2-26] [MQTT-3.3.2-11] an alias to the client is within what it takes"],
  },
  "MQTT-3.1.2-27": {
    says: "a client without Topic Alias Maximum gets no aliases",
    tests: ["[MQTT-3.1.2-27] a client that takes no aliases gets none"],
  },
  "MQTT-3.1.2-28": {
    says: "Response Information is not returned unless it was asked for",
    tests: ["[MQTT-3.1.2-28] gives no Response Information unless asked"],
  },
  "MQTT-3.1.2-29": {
    says: "without problem information, reasons and user properties stand in CONNACK, DISCONNECT and PUBLISH alone",
    tests: ["[MQTT-3.1.2-29] without problem information, no acknowledgement explains itself"],
  },
  "MQTT-3.1.2-30": {
    says: "a client with an authentication method sends AUTH and DISCONNECT alone before CONNACK",
    tests: ["[MQTT-3.1.2-30] another packet while authentication is under way is refused"],
  },
};
