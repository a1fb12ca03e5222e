// 3.1.1: SUBSCRIBE, UNSUBSCRIBE, PINGREQ and DISCONNECT, sections 3.8 to 3.14.

import type { Statements } from "./statement.ts";

export const mqtt311Subscribe: Statements = {
  "MQTT311-3.8.1-1": {
    says: "SUBSCRIBE has the flags 0010; any other closes the connection",
    tests: ["[MQTT311-3.8.1-1] SUBSCRIBE with the first byte %i closes the connection", "%s the filter %s is refused"],
  },
  "MQTT311-3.8.3-1": {
    says: "its filters are text",
    tests: ["[MQTT311-3.8.3-1] a filter of ill-formed UTF-8 closes the connection", "%s the filter %s is refused"],
  },
  "MQTT311-3.8.3-2": {
    says: "a server without wildcards refuses filters that have them",
    tests: ["[MQTT311-3.8.3-2] filters with wildcards are taken", "%s the filter %s is refused"],
  },
  "MQTT311-3.8.3-3": {
    says: "there is at least one filter",
    tests: ["[MQTT311-3.8.3-3] SUBSCRIBE without a filter closes the connection", "%s the filter %s is refused"],
  },
  "MQTT311-3.8.3-4": {
    says: "reserved bits that are not 0, or a QoS of 3, close the connection (written 3-8.3-4 in the specification)",
    tests: ["[MQTT311-3.8.3-4] a requested QoS byte of %i closes the connection", "%s the filter %s is refused"],
  },
  "MQTT311-3.8.4-1": {
    says: "SUBSCRIBE is answered with SUBACK",
    tests: [
      "[MQTT311-3.8.4-1] the filter %s, which says nothing in this version, has its SUBACK",
      "[MQTT311-3.8.4-1] [MQTT311-3.8.4-2] [MQTT311-2.3.1-7] SUBACK has the packet id of its SUBSCRIBE",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.8.4-2": {
    says: "it has the packet id of its SUBSCRIBE",
    tests: [
      "[MQTT311-3.8.4-1] [MQTT311-3.8.4-2] [MQTT311-2.3.1-7] SUBACK has the packet id of its SUBSCRIBE",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.8.4-3": {
    says: "a filter that is subscribed already is replaced, and its retained messages come again",
    tests: [
      "[MQTT311-3.8.4-3] a filter that is there already is replaced, and its retained messages come again",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.8.4-4": {
    says: "several filters in one packet are handled one after another, and answered together",
    tests: [
      "[MQTT311-3.8.4-4] [MQTT311-3.8.4-5] [MQTT311-3.9.3-1] one SUBACK has a return code a filter, in their order",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.8.4-5": {
    says: "there is a return code for each filter: the QoS granted, or the failure",
    tests: [
      "[MQTT311-3.8.4-4] [MQTT311-3.8.4-5] [MQTT311-3.9.3-1] one SUBACK has a return code a filter, in their order",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.8.4-6": {
    says: "a message has the lower of its own QoS and the one granted",
    tests: [
      "[MQTT311-3.8.4-6] a message has the lower of its QoS and the subscription's",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.9.3-1": {
    says: "return codes stand in the order of the filters",
    tests: [
      "[MQTT311-3.8.4-4] [MQTT311-3.8.4-5] [MQTT311-3.9.3-1] one SUBACK has a return code a filter, in their order",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.9.3-2": {
    says: "they are 0, 1, 2 and 0x80 alone",
    tests: ["[MQTT311-3.9.3-2] SUBACK has return codes 0, 1, 2 and 0x80 alone", "%s the filter %s is refused"],
  },
  "MQTT311-3.10.1-1": {
    says: "UNSUBSCRIBE has the flags 0010; any other closes the connection",
    tests: [
      "[MQTT311-3.10.1-1] UNSUBSCRIBE with the first byte %i closes the connection",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.10.3-1": {
    says: "its filters are text",
    tests: ["[MQTT311-3.10.3-1] UNSUBSCRIBE of ill-formed UTF-8 closes the connection", "%s the filter %s is refused"],
  },
  "MQTT311-3.10.3-2": {
    says: "there is at least one",
    tests: ["[MQTT311-3.10.3-2] UNSUBSCRIBE without a filter closes the connection", "%s the filter %s is refused"],
  },
  "MQTT311-3.10.4-1": {
    says: "a filter is compared byte by byte, and its subscription deleted if one is the same",
    tests: [
      "[MQTT311-3.10.4-1] [MQTT311-3.10.4-2] a filter is compared as it is written, and then nothing new comes",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.10.4-2": {
    says: "nothing new is added for delivery then",
    tests: [
      "[MQTT311-3.10.4-1] [MQTT311-3.10.4-2] a filter is compared as it is written, and then nothing new comes",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.10.4-3": {
    says: "what has begun to be sent is completed",
    tests: ["[MQTT311-3.10.4-3] what has been sent already is completed", "%s the filter %s is refused"],
  },
  "MQTT311-3.10.4-4": {
    says: "UNSUBSCRIBE is answered with UNSUBACK of the same packet id",
    tests: [
      "[MQTT311-3.10.4-4] [MQTT311-3.10.4-5] [MQTT311-3.10.4-6] one UNSUBACK, though nothing is removed",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.10.4-5": {
    says: "though nothing was deleted",
    tests: [
      "[MQTT311-3.10.4-4] [MQTT311-3.10.4-5] [MQTT311-3.10.4-6] one UNSUBACK, though nothing is removed",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.10.4-6": {
    says: "several filters in one packet are handled one after another, and answered together",
    tests: [
      "[MQTT311-3.10.4-4] [MQTT311-3.10.4-5] [MQTT311-3.10.4-6] one UNSUBACK, though nothing is removed",
      "%s the filter %s is refused",
    ],
  },
  "MQTT311-3.12.4-1": {
    says: "PINGREQ is answered with PINGRESP",
    tests: ["[MQTT311-3.12.4-1] PINGREQ is answered with PINGRESP"],
  },
  "MQTT311-3.14.1-1": {
    says: "reserved flags that are not 0 end the connection",
    tests: ["[MQTT311-3.14.1-1] DISCONNECT with the first byte %i counts as a failure"],
  },
  "MQTT311-3.14.4-1": {
    says: "behind DISCONNECT the client closes",
    tests: ["[MQTT311-3.14.4-1] the server closes behind a client's DISCONNECT"],
  },
  "MQTT311-3.14.4-2": {
    says: "behind DISCONNECT the client sends nothing",
    tests: ["[MQTT311-3.14.4-2] what comes behind DISCONNECT is not processed"],
  },
  "MQTT311-3.14.4-3": {
    says: "DISCONNECT discards the will",
    tests: ["[MQTT311-3.1.2-10] [MQTT311-3.14.4-3] DISCONNECT discards the will"],
  },
};
