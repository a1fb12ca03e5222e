// 5.0: Data representation and packet format, sections 1 and 2.

import type { Statements } from "./statement.ts";

export const mqtt5Data: Statements = {
  "MQTT-1.5.4-1": {
    says: "text is well-formed UTF-8, without surrogates",
    tests: [
      "[MQTT-1.5.4-1] ill-formed UTF-8 in a user property of %s",
      "%s ill-formed UTF-8: %s",
      "[MQTT-1.5.4-1] a topic with %s is malformed",
    ],
  },
  "MQTT-1.5.4-2": {
    says: "text holds no null character",
    tests: ["%s ill-formed UTF-8: %s", "[MQTT-1.5.4-2] a topic with a null is malformed"],
  },
  "MQTT-1.5.4-3": {
    says: "a byte order mark is a character like any other and stays",
    tests: ["[MQTT-1.5.4-3] a byte order mark in a topic stays"],
  },
  "MQTT-1.5.5-1": {
    says: "a Variable Byte Integer takes no more bytes than its value needs",
    tests: [
      "[MQTT-1.5.5-1] a Remaining Length of more bytes than it takes is malformed",
      "%s %s with a reason code that it does not have is refused",
      "[MQTT-1.5.5-1] a payload of %i bytes comes whole",
      "[MQTT-1.5.5-1] a subscription identifier of more bytes than it takes is malformed",
    ],
  },
  "MQTT-1.5.7-1": {
    says: "both strings of a pair obey the rules of text",
    tests: ["[MQTT-1.5.7-1] %s may have user properties", "%s ill-formed UTF-8: %s", "%s %s at PUBLISH is refused"],
  },
  "MQTT-2.1.3-1": {
    says: "reserved flags have the values that the table gives",
    tests: [
      "[MQTT-2.1.3-1] %s with the first byte %i is malformed",
      "%s %s with a reason code that it does not have is refused",
      "[MQTT-2.1.3-1] PINGREQ with flags is malformed",
    ],
  },
  "MQTT-2.2.1-2": {
    says: "PUBLISH at QoS 0 carries no packet id",
    tests: [
      "[MQTT-2.2.1-2] [MQTT-4.3.1-1] QoS 0 has no packet id and no DUP",
      "[MQTT-2.2.1-2] carries QoS %i, with a packet id above 0",
    ],
  },
  "MQTT-2.2.1-3": {
    says: "a client's SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 have a packet id that is not 0 and not in use",
    tests: [
      "[MQTT-2.2.1-3] packet id 0 at QoS %i is refused",
      "[MQTT-2.2.1-3] SUBSCRIBE with packet id 0 is refused",
      "[MQTT-2.2.1-3] the packet id of a message that is not released is in use",
      "[MQTT-2.2.1-3] UNSUBSCRIBE with packet id 0 is refused",
    ],
  },
  "MQTT-2.2.1-4": {
    says: "so has a server's PUBLISH above QoS 0",
    tests: [
      "[MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-2.2.1-4] messages in flight have packet ids of their own, above 0, and no DUP",
      "[MQTT-2.2.1-4] answers 0x92 to a release, and to a PUBREC, of what is not there",
    ],
  },
  "MQTT-2.2.1-5": {
    says: "an acknowledgement of PUBLISH has its packet id",
    tests: [
      "[MQTT-2.2.1-5] an acknowledgement of a packet id that is not in use harms nobody",
      "[MQTT-4.3.2-4] [MQTT-2.2.1-5] PUBACK has the packet id of its PUBLISH",
      "[MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT-2.2.1-5] PUBREC and PUBCOMP have the packet id of PUBLISH",
    ],
  },
  "MQTT-2.2.1-6": {
    says: "SUBACK and UNSUBACK have the packet id of what they answer",
    tests: [
      "[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6] SUBACK has the packet id of its SUBSCRIBE",
      "[MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-2.2.1-6] UNSUBACK has the packet id, though nothing is removed",
    ],
  },
  "MQTT-2.2.2-1": {
    says: "no properties are written as a length of 0",
    tests: [
      "[MQTT-2.2.2-1] %s may explain itself, and the connection goes on",
      "[MQTT-2.2.2-1] CONNECT without a property length is malformed",
      "[MQTT-2.2.2-1] PUBLISH whose properties are cut off is malformed",
    ],
  },
};
