// 5.0: PUBLISH: flags, topic and retained messages, sections 3.3.1 and 3.3.4.

import type { Statements } from "./statement.ts";

export const mqtt5Publish: Statements = {
  "MQTT-3.3.1-1": {
    says: "a PUBLISH that is sent again has DUP",
    tests: [
      "[MQTT-3.3.1-1] [MQTT-4.4.0-1] [MQTT-4.3.2-3] what was not acknowledged comes again with DUP and its packet id",
      "[MQTT-3.3.1-1] sends what was not acknowledged again, with DUP and its packet id",
      "[MQTT-3.3.1-1] sends again with DUP what a shard had sent before it died, whoever asks for it first",
    ],
  },
  "MQTT-3.3.1-2": { says: "at QoS 0 there is no DUP", tests: ["[MQTT-3.3.1-2] DUP at QoS 0 is malformed"] },
  "MQTT-3.3.1-3": {
    says: "DUP says whether this PUBLISH is sent again, whatever its publisher's said",
    tests: ["[MQTT-3.3.1-3] DUP of a publisher is not passed on"],
  },
  "MQTT-3.3.1-4": {
    says: "both QoS bits are never set",
    tests: [
      "[MQTT-3.3.1-4] QoS 3 is malformed",
      "[MQTT-3.3.1-4] QoS 3 before 5.0 closes the connection and delivers nothing",
    ],
  },
  "MQTT-3.3.1-5": {
    says: "a retained message replaces the one before and is stored",
    tests: [
      "[MQTT-3.3.1-5] the last retained message of a topic goes to a new subscriber",
      "[MQTT-3.3.1-5] [MQTT-3.3.1-6] a SUBSCRIBE right behind a retained message of QoS %i finds it",
      "[MQTT-3.3.1-5] gives retained messages to new subscribers, the latest alone",
      "[MQTT-3.3.1-5] a repeated publish does not replace a newer retained message",
    ],
  },
  "MQTT-3.3.1-6": {
    says: "an empty one removes what was retained, and is delivered like any other",
    tests: [
      "[MQTT-3.3.1-6] [MQTT-3.3.1-7] an empty retained message removes the one that was there",
      "[MQTT-3.3.1-6] an empty retained message goes to those who subscribe already",
      "[MQTT-3.3.1-5] [MQTT-3.3.1-6] a SUBSCRIBE right behind a retained message of QoS %i finds it",
    ],
  },
  "MQTT-3.3.1-7": {
    says: "an empty message is not stored as retained",
    tests: ["[MQTT-3.3.1-6] [MQTT-3.3.1-7] an empty retained message removes the one that was there"],
  },
  "MQTT-3.3.1-8": {
    says: "a message that is not retained leaves the retained one as it is",
    tests: ["[MQTT-3.3.1-8] a message that is not retained leaves the retained one alone"],
  },
  "MQTT-3.3.1-9": {
    says: "Retain Handling 0 sends retained messages at SUBSCRIBE",
    tests: [
      "[MQTT-3.3.1-9] Retain Handling 0 sends retained messages at each SUBSCRIBE",
      "[MQTT-3.3.1-9] gives more than a queue holds, each once, to a client that takes few at a time",
    ],
  },
  "MQTT-3.3.1-10": {
    says: "Retain Handling 1 sends them for a new subscription, not for one that was there",
    tests: [
      "[MQTT-3.3.1-10] Retain Handling 1 knows the subscription of a resumed session",
      "[MQTT-3.3.1-10] Retain Handling 1 sends retained messages for a new subscription alone",
      "[MQTT-3.3.1-10] [MQTT-3.3.1-11] heeds Retain Handling",
    ],
  },
  "MQTT-3.3.1-11": {
    says: "Retain Handling 2 sends none",
    tests: [
      "[MQTT-3.3.1-11] Retain Handling 2 sends no retained messages",
      "[MQTT-3.3.1-10] [MQTT-3.3.1-11] heeds Retain Handling",
    ],
  },
  "MQTT-3.3.1-12": {
    says: "without Retain As Published RETAIN is 0 on the way to a subscriber",
    tests: ["[MQTT-3.3.1-12] without Retain As Published a live message has RETAIN 0"],
  },
  "MQTT-3.3.1-13": {
    says: "with it RETAIN is as published",
    tests: [
      "[MQTT-3.3.1-13] what waited for its client has the RETAIN of its publisher if asked for",
      "[MQTT-3.3.1-13] with Retain As Published a live message has the RETAIN of its publisher",
    ],
  },
  "MQTT-3.3.4-1": {
    says: "the answer to PUBLISH is the one of its QoS",
    tests: ["[MQTT-3.3.4-1] QoS 0 is answered by nothing, QoS 1 by PUBACK, QoS 2 by PUBREC"],
  },
  "MQTT-3.3.4-2": {
    says: "overlapping subscriptions deliver at the highest QoS among them",
    tests: [
      "[MQTT-3.3.4-2] [MQTT-3.3.4-4] [MQTT-3.3.4-5] overlapping subscriptions: their highest QoS, all their identifiers",
    ],
  },
  "MQTT-3.3.4-3": {
    says: "the identifiers of the subscriptions go with the message",
    tests: [
      "[MQTT-3.3.4-3] what waited for its client has the subscription's identifier",
      "[MQTT-3.3.4-3] a message carries the identifier of its subscription, until it is replaced",
      "[MQTT-3.3.4-3] [MQTT-3.3.2-6] addresses each recipient and leaves the rest as it was",
    ],
  },
  "MQTT-3.3.4-4": {
    says: "a single copy carries all of them",
    tests: [
      "[MQTT-3.3.4-2] [MQTT-3.3.4-4] [MQTT-3.3.4-5] overlapping subscriptions: their highest QoS, all their identifiers",
    ],
  },
  "MQTT-3.3.4-5": {
    says: "of several copies each carries that of its subscription",
    tests: [
      "[MQTT-3.3.4-2] [MQTT-3.3.4-4] [MQTT-3.3.4-5] overlapping subscriptions: their highest QoS, all their identifiers",
    ],
  },
  "MQTT-3.3.4-6": { says: "a client's PUBLISH carries none", tests: ["%s %s at PUBLISH is refused"] },
  "MQTT-3.3.4-7": {
    says: "a client has no more unacknowledged than the server's Receive Maximum",
    notApplicable: "binds clients alone",
  },
  "MQTT-3.3.4-8": { says: "a client does not hold back other packets for it", notApplicable: "binds clients alone" },
  "MQTT-3.3.4-9": {
    says: "a server has no more unacknowledged than the client's Receive Maximum",
    tests: [
      "[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more than Receive Maximum are unacknowledged, the rest waits",
      "[MQTT-3.3.4-9] Receive Maximum is that of the connection, for what comes again as well",
      "[MQTT-3.3.4-9] never has more unacknowledged messages than the client takes",
      "[MQTT-3.3.4-9] ends a client that sends more unacknowledged messages than the server takes",
    ],
  },
  "MQTT-3.3.4-10": {
    says: "a server does not hold back other packets for it",
    tests: ["[MQTT-3.3.4-10] [MQTT-4.9.0-3] with the window full, everything else is answered"],
  },
};
