// 5.0: SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK, sections 3.8 to 3.11.

import type { Statements } from "./statement.ts";

export const mqtt5Subscribe: Statements = {
  "MQTT-3.8.1-1": {
    says: "SUBSCRIBE has the flags 0010; any other is malformed and ends the connection",
    tests: ["[MQTT-3.8.1-1] SUBSCRIBE with the first byte %i is malformed"],
  },
  "MQTT-3.8.3-1": { says: "its filters are text", tests: ["[MQTT-3.8.3-1] a filter of ill-formed UTF-8 is malformed"] },
  "MQTT-3.8.3-2": {
    says: "there is at least one",
    tests: [
      "[MQTT-3.8.3-2] SUBSCRIBE without a filter is a protocol error",
      "[MQTT-3.8.3-2] a filter without options is malformed",
    ],
  },
  "MQTT-3.8.3-3": {
    says: "with No Local a client's own messages do not come back to it",
    tests: [
      "[MQTT-3.8.3-3] No Local holds over a new connection of the session",
      "[MQTT-3.8.3-3] No Local keeps a client's own messages from it, and no others",
      "[MQTT-3.8.3-3] with No Local, no retained message of one's own comes",
      "[MQTT-3.8.3-3] with No Local, nothing of one's own comes from before a clean start",
    ],
  },
  "MQTT-3.8.3-4": {
    says: "a shared subscription with No Local is a protocol error",
    tests: ["[MQTT-3.8.3-4] No Local at a shared subscription is a protocol error"],
  },
  "MQTT-3.8.3-5": {
    says: "reserved bits of the options that are not 0 are malformed",
    tests: ["[MQTT-3.8.3-5] subscription options with %s are malformed"],
  },
  "MQTT-3.8.4-1": {
    says: "SUBSCRIBE is answered with SUBACK",
    tests: [
      "[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6] SUBACK has the packet id of its SUBSCRIBE",
      "[MQTT-3.8.4-1] delivers to every matching subscriber after SUBACK",
    ],
  },
  "MQTT-3.8.4-2": {
    says: "it has the packet id of its SUBSCRIBE",
    tests: ["[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6] SUBACK has the packet id of its SUBSCRIBE"],
  },
  "MQTT-3.8.4-3": {
    says: "a filter that is subscribed already is replaced",
    tests: [
      "[MQTT-3.8.4-3] the same filter twice in a packet leaves one subscription, the last",
      "[MQTT-3.8.4-3] a filter that is there already is replaced",
      "[MQTT-3.8.4-3] begins anew, once, when the client subscribes again while pages are on their way",
    ],
  },
  "MQTT-3.8.4-4": {
    says: "Retain Handling 0 sends retained messages again then, and no message is lost",
    tests: ["[MQTT-3.8.4-4] no message is lost where a subscription is replaced"],
  },
  "MQTT-3.8.4-5": {
    says: "several filters in one packet are handled one after another, and answered together",
    tests: [
      "[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] one SUBACK has a reason code a filter, in their order",
    ],
  },
  "MQTT-3.8.4-6": {
    says: "there is a reason code for each filter",
    tests: [
      "[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] one SUBACK has a reason code a filter, in their order",
    ],
  },
  "MQTT-3.8.4-7": {
    says: "it tells the QoS that is granted, or the failure",
    tests: [
      "[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] one SUBACK has a reason code a filter, in their order",
    ],
  },
  "MQTT-3.8.4-8": {
    says: "a message has the lower of its own QoS and the one granted",
    tests: [
      "[MQTT-3.8.4-8] a retained message has the lower of its QoS and the subscription's",
      "[MQTT-3.8.4-8] a message has the lower of its QoS and the subscription's",
    ],
  },
  "MQTT-3.9.2-1": {
    says: "a reason that would make SUBACK too large is left out",
    tests: ["%s %s is within Maximum Packet Size"],
  },
  "MQTT-3.9.2-2": { says: "so are user properties", tests: ["%s %s is within Maximum Packet Size"] },
  "MQTT-3.9.3-1": {
    says: "reason codes stand in the order of the filters",
    tests: [
      "[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] one SUBACK has a reason code a filter, in their order",
    ],
  },
  "MQTT-3.9.3-2": {
    says: "they are those of SUBACK",
    tests: ["[MQTT-3.9.3-2] a filter that is granted has its QoS as reason code"],
  },
  "MQTT-3.10.1-1": {
    says: "UNSUBSCRIBE has the flags 0010; any other is malformed and ends the connection",
    tests: ["[MQTT-3.10.1-1] UNSUBSCRIBE with the first byte %i is malformed"],
  },
  "MQTT-3.10.3-1": {
    says: "its filters are text",
    tests: ["[MQTT-3.10.3-1] a filter of ill-formed UTF-8 is malformed"],
  },
  "MQTT-3.10.3-2": {
    says: "there is at least one",
    tests: ["[MQTT-3.10.3-2] UNSUBSCRIBE without a filter is a protocol error"],
  },
  "MQTT-3.10.4-1": {
    says: "a filter is compared letter by letter, and its subscription deleted if one is the same",
    tests: ["[MQTT-3.10.4-1] a filter is compared as it is written"],
  },
  "MQTT-3.10.4-2": {
    says: "nothing new is added for delivery then",
    tests: [
      "[MQTT-3.10.4-2] a filter that was removed is not there when the session is resumed",
      "[MQTT-3.10.4-2] after UNSUBACK nothing new comes",
      "[MQTT-3.10.4-2] stops after UNSUBACK",
    ],
  },
  "MQTT-3.10.4-3": {
    says: "what has begun to be sent is completed",
    tests: ["[MQTT-3.10.4-3] what has been sent already is completed"],
  },
  "MQTT-3.10.4-4": {
    says: "UNSUBSCRIBE is answered with UNSUBACK",
    tests: ["[MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-2.2.1-6] UNSUBACK has the packet id, though nothing is removed"],
  },
  "MQTT-3.10.4-5": {
    says: "it has the packet id, though nothing was deleted",
    tests: ["[MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-2.2.1-6] UNSUBACK has the packet id, though nothing is removed"],
  },
  "MQTT-3.10.4-6": {
    says: "several filters in one packet are handled one after another, and answered together",
    tests: ["[MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] one UNSUBACK has a reason code a filter, in their order"],
  },
  "MQTT-3.11.2-1": {
    says: "a reason that would make UNSUBACK too large is left out",
    tests: ["%s %s is within Maximum Packet Size"],
  },
  "MQTT-3.11.2-2": { says: "so are user properties", tests: ["%s %s is within Maximum Packet Size"] },
  "MQTT-3.11.3-1": {
    says: "reason codes stand in the order of the filters",
    tests: ["[MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] one UNSUBACK has a reason code a filter, in their order"],
  },
  "MQTT-3.11.3-2": {
    says: "they are those of UNSUBACK",
    tests: ["[MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] one UNSUBACK has a reason code a filter, in their order"],
  },
};
