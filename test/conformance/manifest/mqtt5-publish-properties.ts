// 5.0: PUBLISH: topic and properties, sections 3.3.2 and 3.3.2.3.

import type { Statements } from "./statement.ts";

export const mqtt5PublishProperties: Statements = {
  "MQTT-3.3.2-1": {
    says: "the topic is the first field, and text",
    tests: [
      "[MQTT-3.3.2-1] PUBLISH without a topic is malformed",
      "[MQTT-3.3.2-1] a topic of ill-formed UTF-8 is malformed",
      "[MQTT-3.3.2-1] carries topic and payload, at QoS 0 and not retained by default",
    ],
  },
  "MQTT-3.3.2-2": {
    says: "a topic has no wildcards",
    tests: ["[MQTT-3.3.2-2] [MQTT-4.7.0-1] the topic %s is refused"],
  },
  "MQTT-3.3.2-3": {
    says: "the topic that a subscriber sees matches its filter",
    tests: ["[MQTT-3.3.2-3] a message has the topic that its publisher gave it"],
  },
  "MQTT-3.3.2-4": {
    says: "Payload Format Indicator is passed on as it is",
    tests: ["%s %s comes as it was published"],
  },
  "MQTT-3.3.2-5": {
    says: "a copy whose expiry has passed before its delivery began is deleted",
    tests: [
      "[MQTT-3.3.2-5] a message that expired while it waited is not sent",
      "[MQTT-3.3.2-5] a retained message that has expired is not sent to a new subscriber",
      "[MQTT-3.3.2-5] drops what expired while it waited",
    ],
  },
  "MQTT-3.3.2-6": {
    says: "the expiry that is sent on is less by the time that the message waited",
    tests: [
      "[MQTT-3.3.2-6] the interval that is sent on is less by the time that the message waited",
      "[MQTT-3.3.4-3] [MQTT-3.3.2-6] addresses each recipient and leaves the rest as it was",
    ],
  },
  "MQTT-3.3.2-7": {
    says: "topic aliases end with their connection",
    tests: [
      "[MQTT-3.3.2-7] an alias does not outlive its connection",
      "[MQTT-3.3.2-7] takes the alias out and puts the topic in",
      "[MQTT-3.3.2-7] a topic alias stands for its topic, for its connection alone, until it is set anew",
    ],
  },
  "MQTT-3.3.2-8": { says: "no topic alias is 0", tests: ["%s %s at PUBLISH is refused"] },
  "MQTT-3.3.2-9": { says: "a client's alias is within the server's maximum", tests: ["%s %s at PUBLISH is refused"] },
  "MQTT-3.3.2-10": { says: "a client takes every alias up to its own maximum", notApplicable: "binds clients alone" },
  "MQTT-3.3.2-11": {
    says: "a server's alias is within the client's maximum",
    tests: ["[MQTT-3.1.2-26] [MQTT-3.3.2-11] an alias to the client is within what it takes"],
  },
  "MQTT-3.3.2-12": {
    says: "a server takes every alias up to its own maximum",
    tests: ["[MQTT-3.3.2-12] an alias stands for its topic until it is set anew"],
  },
  "MQTT-3.3.2-13": { says: "Response Topic is text", tests: ["%s %s at PUBLISH is refused"] },
  "MQTT-3.3.2-14": { says: "Response Topic has no wildcards", tests: ["%s %s at PUBLISH is refused"] },
  "MQTT-3.3.2-15": { says: "Response Topic is passed on as it is", tests: ["%s %s comes as it was published"] },
  "MQTT-3.3.2-16": { says: "Correlation Data is passed on as it is", tests: ["%s %s comes as it was published"] },
  "MQTT-3.3.2-17": {
    says: "user properties are passed on as they are",
    tests: [
      "%s %s comes as it was published",
      "[MQTT-3.3.2-17] carries every property, user properties in their order",
    ],
  },
  "MQTT-3.3.2-18": { says: "they keep their order", tests: ["%s %s comes as it was published"] },
  "MQTT-3.3.2-19": { says: "Content Type is text", tests: ["%s %s at PUBLISH is refused"] },
  "MQTT-3.3.2-20": { says: "Content Type is passed on as it is", tests: ["%s %s comes as it was published"] },
};
