// 3.1.1: PUBLISH and its acknowledgements, sections 3.3 to 3.7.

import type { Statements } from "./statement.ts";

export const mqtt311Publish: Statements = {
  "MQTT311-3.3.1-1": {
    says: "a PUBLISH that is sent again has DUP",
    tests: [
      "[MQTT311-4.4.0-1] [MQTT311-3.3.1-1] [MQTT311-2.3.1-4] [MQTT311-4.6.0-1] what was not acknowledged comes again, in its order",
    ],
  },
  "MQTT311-3.3.1-2": {
    says: "at QoS 0 there is no DUP",
    tests: ["[MQTT311-3.3.1-2] DUP at QoS 0 is a protocol violation"],
  },
  "MQTT311-3.3.1-3": {
    says: "DUP says whether this PUBLISH is sent again, whatever its publisher's said",
    tests: ["[MQTT311-3.3.1-3] DUP of a publisher is not passed on"],
  },
  "MQTT311-3.3.1-4": {
    says: "both QoS bits set close the connection",
    tests: ["[MQTT311-3.3.1-4] QoS 3 closes the connection"],
  },
  "MQTT311-3.3.1-5": {
    says: "a retained message is stored with its QoS",
    tests: [
      "[MQTT311-3.3.1-5] [MQTT311-3.3.1-6] [MQTT311-3.3.1-8] a new subscription gets the last retained message, with its QoS",
    ],
  },
  "MQTT311-3.3.1-6": {
    says: "a new subscription gets the last retained message of each topic",
    tests: [
      "[MQTT311-3.3.1-5] [MQTT311-3.3.1-6] [MQTT311-3.3.1-8] a new subscription gets the last retained message, with its QoS",
    ],
  },
  "MQTT311-3.3.1-7": {
    says: "one of QoS 0 takes the place of what was retained",
    tests: ["[MQTT311-3.3.1-7] a retained message of QoS 0 takes the place of the one before"],
  },
  "MQTT311-3.3.1-8": {
    says: "what a new subscription gets so has RETAIN 1",
    tests: [
      "[MQTT311-3.3.1-5] [MQTT311-3.3.1-6] [MQTT311-3.3.1-8] a new subscription gets the last retained message, with its QoS",
    ],
  },
  "MQTT311-3.3.1-9": {
    says: "what a subscription gets live has RETAIN 0",
    tests: ["[MQTT311-3.3.1-9] a live message has RETAIN 0"],
  },
  "MQTT311-3.3.1-10": {
    says: "an empty retained message is delivered, and removes what was retained",
    tests: [
      "[MQTT311-3.3.1-10] [MQTT311-3.3.1-11] an empty retained message is delivered, and removes the one that was there",
    ],
  },
  "MQTT311-3.3.1-11": {
    says: "it is not stored itself",
    tests: [
      "[MQTT311-3.3.1-10] [MQTT311-3.3.1-11] an empty retained message is delivered, and removes the one that was there",
    ],
  },
  "MQTT311-3.3.1-12": {
    says: "a message that is not retained leaves the retained one as it is",
    tests: ["[MQTT311-3.3.1-12] a message that is not retained leaves the retained one alone"],
  },
  "MQTT311-3.3.2-1": {
    says: "the topic is the first field, and text",
    tests: ["[MQTT311-3.3.2-1] a topic of ill-formed UTF-8 closes the connection"],
  },
  "MQTT311-3.3.2-2": {
    says: "a topic has no wildcards",
    tests: ["[MQTT311-3.3.2-2] [MQTT311-4.7.1-1] the topic %s closes the connection"],
  },
  "MQTT311-3.3.2-3": {
    says: "the topic that a subscriber sees matches its filter",
    tests: ["[MQTT311-3.3.2-3] a message has the topic that its publisher gave it"],
  },
  "MQTT311-3.3.4-1": {
    says: "the answer to PUBLISH is the one of its QoS",
    tests: [
      "[MQTT311-3.3.4-1] [MQTT311-2.3.1-6] QoS 0 is answered by nothing, 1 by PUBACK, 2 by PUBREC, with its packet id",
    ],
  },
  "MQTT311-3.3.5-1": {
    says: "overlapping subscriptions deliver at the highest QoS among them",
    tests: ["[MQTT311-3.3.5-1] overlapping subscriptions deliver at the highest of their QoS"],
  },
  "MQTT311-3.3.5-2": {
    says: "a PUBLISH that is not authorised is acknowledged all the same, or ends the connection",
    notApplicable: "every user of a deployment may publish to every topic",
  },
  "MQTT311-3.6.1-1": {
    says: "PUBREL has the flags 0010; any other closes the connection",
    tests: ["[MQTT311-3.6.1-1] PUBREL with the first byte %i closes the connection"],
  },
};
