// 3.1.1: data representation, packet format, and CONNECT up to its payload, sections 1 to 3.1.2.

import type { Statements } from "./statement.ts";

export const mqtt311Connect: Statements = {
  "MQTT311-1.5.3-1": {
    says: "text that is not well-formed UTF-8 closes the connection",
    tests: ["%s %s is closed without CONNACK"],
  },
  "MQTT311-1.5.3-2": {
    says: "text with a null character closes the connection",
    tests: ["%s %s is closed without CONNACK"],
  },
  "MQTT311-1.5.3-3": {
    says: "a byte order mark is a character like any other and stays",
    tests: ["[MQTT311-1.5.3-3] a byte order mark in a topic stays"],
  },
  "MQTT311-2.2.2-1": {
    says: "reserved flags have the values that the table gives",
    tests: ["[MQTT311-2.2.2-1] [MQTT311-2.2.2-2] %s with the first byte %i closes the connection"],
  },
  "MQTT311-2.2.2-2": {
    says: "any other closes the connection",
    tests: [
      "[MQTT311-2.2.2-2] CONNECT with the first byte %i",
      "[MQTT311-2.2.2-1] [MQTT311-2.2.2-2] %s with the first byte %i closes the connection",
    ],
  },
  "MQTT311-2.3.1-1": {
    says: "SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 have a packet id that is not 0",
    tests: [
      "[MQTT311-2.3.1-1] packet id 0 at QoS %i closes the connection",
      "[MQTT311-2.3.1-1] SUBSCRIBE with packet id 0 closes the connection",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-2.3.1-2": { says: "a client takes one that is not in use", notApplicable: "binds clients alone" },
  "MQTT311-2.3.1-3": {
    says: "a client that sends a packet again uses its packet id again",
    notApplicable: "binds clients alone",
  },
  "MQTT311-2.3.1-4": {
    says: "so does a server",
    tests: [
      "[MQTT311-4.4.0-1] [MQTT311-3.3.1-1] [MQTT311-2.3.1-4] [MQTT311-4.6.0-1] what was not acknowledged comes again, in its order",
    ],
  },
  "MQTT311-2.3.1-5": {
    says: "PUBLISH at QoS 0 has no packet id",
    tests: ["[MQTT311-2.3.1-5] [MQTT311-4.3.1-1] QoS 0 has no packet id and no DUP"],
  },
  "MQTT311-2.3.1-6": {
    says: "an acknowledgement of PUBLISH has its packet id",
    tests: [
      "[MQTT311-3.3.4-1] [MQTT311-2.3.1-6] QoS 0 is answered by nothing, 1 by PUBACK, 2 by PUBREC, with its packet id",
    ],
  },
  "MQTT311-2.3.1-7": {
    says: "SUBACK and UNSUBACK have the packet id of what they answer",
    tests: [
      "[MQTT311-3.8.4-1] [MQTT311-3.8.4-2] [MQTT311-2.3.1-7] SUBACK has the packet id of its SUBSCRIBE",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.1.0-1": {
    says: "CONNECT is a client's first packet",
    tests: ["[MQTT311-3.1.0-1] %s before CONNECT closes the connection", "%s %s is closed without CONNACK"],
  },
  "MQTT311-3.1.0-2": {
    says: "a second one is a violation that ends the connection",
    tests: ["[MQTT311-3.1.0-2] a second CONNECT closes the connection", "%s %s is closed without CONNACK"],
  },
  "MQTT311-3.1.2-1": {
    says: "a CONNECT of another protocol name is not handled by this specification",
    tests: ["[MQTT311-3.1.2-1] another protocol name is not taken for MQTT", "%s %s is closed without CONNACK"],
  },
  "MQTT311-3.1.2-2": {
    says: "a protocol level that the server does not speak gets return code 1 and is closed",
    tests: ["[MQTT311-3.1.2-2] protocol level %i is return code 1", "%s %s is closed without CONNACK"],
  },
  "MQTT311-3.1.2-3": {
    says: "the server checks that the reserved flag is 0",
    tests: ["%s %s is closed without CONNACK"],
  },
  "MQTT311-3.1.2-4": {
    says: "without a clean session the one that is there goes on, or a new one begins, and is stored",
    tests: ["[MQTT311-3.1.2-4] [MQTT311-3.2.2-2] [MQTT311-3.2.2-3] a session that is not clean is resumed"],
  },
  "MQTT311-3.1.2-5": {
    says: "messages of QoS 1 and 2 are stored for it while its client is away",
    tests: ["[MQTT311-3.1.2-5] [MQTT311-4.5.0-1] messages of QoS 1 and 2 wait for a session that is kept"],
  },
  "MQTT311-3.1.2-6": {
    says: "a clean session begins anew and ends with its connection",
    tests: [
      "[MQTT311-3.1.2-6] [MQTT311-3.1.4-3] [MQTT311-3.2.2-1] a clean session forgets what was, and is forgotten",
      "[MQTT311-3.1.2-6] before 5.0 a clean session ends with its connection, another after the deployment's own time",
    ],
  },
  "MQTT311-3.1.2-7": {
    says: "retained messages are no part of a session",
    tests: ["[MQTT311-3.1.2-7] retained messages outlive the session of their publisher"],
  },
  "MQTT311-3.1.2-8": {
    says: "a will is stored, and published when the connection closes without DISCONNECT",
    tests: [
      "[MQTT311-3.1.2-8] a will is published when the connection fails",
      "[MQTT-3.1.2-8] [MQTT311-3.1.2-8] publishes a will, and none after DISCONNECT",
    ],
  },
  "MQTT311-3.1.2-9": {
    says: "the will's fields are there if the flag says so",
    tests: ["%s %s: flags and fields that disagree are closed without CONNACK"],
  },
  "MQTT311-3.1.2-10": {
    says: "a will that was published or taken back is removed",
    tests: ["[MQTT311-3.1.2-10] [MQTT311-3.14.4-3] DISCONNECT discards the will"],
  },
  "MQTT311-3.1.2-11": {
    says: "without a will its QoS and retain flags are 0 and its fields are not there",
    tests: ["%s %s is closed without CONNACK"],
  },
  "MQTT311-3.1.2-12": {
    says: "without a will none is published",
    tests: ["[MQTT311-3.1.2-12] without a will nothing is published"],
  },
  "MQTT311-3.1.2-13": { says: "without a will its QoS is 0", tests: ["%s %s is closed without CONNACK"] },
  "MQTT311-3.1.2-14": { says: "a will's QoS is not 3", tests: ["%s %s is closed without CONNACK"] },
  "MQTT311-3.1.2-15": { says: "without a will its retain flag is 0", tests: ["%s %s is closed without CONNACK"] },
  "MQTT311-3.1.2-16": {
    says: "a will without its retain flag is published as not retained",
    tests: ["%s a will is retained as it says: %s"],
  },
  "MQTT311-3.1.2-17": {
    says: "a will with it is published as retained",
    tests: ["%s a will is retained as it says: %s"],
  },
  "MQTT311-3.1.2-18": {
    says: "without its flag there is no user name",
    tests: ["%s %s: flags and fields that disagree are closed without CONNACK"],
  },
  "MQTT311-3.1.2-19": {
    says: "with its flag there is a user name",
    tests: ["%s %s: flags and fields that disagree are closed without CONNACK"],
  },
  "MQTT311-3.1.2-20": {
    says: "without its flag there is no password",
    tests: ["%s %s: flags and fields that disagree are closed without CONNACK"],
  },
  "MQTT311-3.1.2-21": {
    says: "with its flag there is a password",
    tests: ["%s %s: flags and fields that disagree are closed without CONNACK"],
  },
  "MQTT311-3.1.2-22": { says: "without a user name there is no password", tests: ["%s %s is closed without CONNACK"] },
  "MQTT311-3.1.2-23": {
    says: "a client with a keep alive sends PINGREQ when it has nothing else to send",
    notApplicable: "binds clients alone",
  },
  "MQTT311-3.1.2-24": {
    says: "silence of one and a half keep alives ends the connection as a failure",
    tests: ["[MQTT311-3.1.2-24] a client that is silent for one and a half keep alives is closed"],
  },
};
