// 3.1.1: CONNECT's payload, its answer, and CONNACK, sections 3.1.3 to 3.2.

import type { Statements } from "./statement.ts";

export const mqtt311ConnectPayload: Statements = {
  "MQTT311-3.1.3-1": {
    says: "the payload's fields stand in their order",
    tests: ["[MQTT311-3.1.3-1] reads client id, will, user name and password in this order"],
  },
  "MQTT311-3.1.3-2": {
    says: "the client id is the name of the session",
    tests: ["[MQTT311-3.1.3-2] a client id names one session"],
  },
  "MQTT311-3.1.3-3": { says: "the client id is the payload's first field", tests: ["[MQTT311-3.1.3-3] no client id"] },
  "MQTT311-3.1.3-4": { says: "it is text", tests: ["%s %s is closed without CONNACK"] },
  "MQTT311-3.1.3-5": {
    says: "client ids of 1 to 23 letters and figures are taken",
    tests: ["[MQTT311-3.1.3-5] takes a client id of 23 letters and figures"],
  },
  "MQTT311-3.1.3-6": {
    says: "an empty client id is given a unique one",
    tests: ["[MQTT311-3.1.3-6] an empty client id with a clean session is unique"],
  },
  "MQTT311-3.1.3-7": {
    says: "a client that sends none asks for a clean session",
    notApplicable: "binds clients alone",
  },
  "MQTT311-3.1.3-8": {
    says: "an empty client id without a clean session gets return code 2 and is closed",
    tests: [
      "[MQTT311-3.1.3-8] an empty client id without a clean session is return code 2",
      "[MQTT311-3.1.3-8] an empty client id without clean session is return code 2",
    ],
  },
  "MQTT311-3.1.3-9": {
    says: "a client id that is refused gets return code 2 and is closed",
    tests: ["[MQTT311-3.1.3-9] a client id that is refused is return code 2"],
  },
  "MQTT311-3.1.3-10": { says: "the will's topic is text", tests: ["%s %s is closed without CONNACK"] },
  "MQTT311-3.1.3-11": { says: "the user name is text", tests: ["%s %s is closed without CONNACK"] },
  "MQTT311-3.1.4-1": {
    says: "a CONNECT that breaks the format is closed without CONNACK",
    tests: ["%s %s is closed without CONNACK", "[MQTT311-3.1.4-1] a malformed CONNECT before 5.0 gets no CONNACK"],
  },
  "MQTT311-3.1.4-2": {
    says: "a client that is connected already is ended",
    tests: ["[MQTT311-3.1.4-2] a second connection of a client id ends the first"],
  },
  "MQTT311-3.1.4-3": {
    says: "the server handles Clean Session as said there",
    tests: ["[MQTT311-3.1.2-6] [MQTT311-3.1.4-3] [MQTT311-3.2.2-1] a clean session forgets what was, and is forgotten"],
  },
  "MQTT311-3.1.4-4": {
    says: "a CONNECT that is accepted gets return code 0",
    tests: [
      "[MQTT311-3.1.4-4] [MQTT311-3.2.0-1] [MQTT311-7.0.0-2] a CONNECT that is right gets return code 0, before anything else",
    ],
  },
  "MQTT311-3.1.4-5": {
    says: "behind a CONNECT that is refused nothing is processed",
    tests: ["[MQTT311-3.1.4-5] what came behind a refused CONNECT is not processed"],
  },
  "MQTT311-3.2.0-1": {
    says: "CONNACK is the server's first packet",
    tests: [
      "[MQTT311-3.1.4-4] [MQTT311-3.2.0-1] [MQTT311-7.0.0-2] a CONNECT that is right gets return code 0, before anything else",
    ],
  },
  "MQTT311-3.2.2-1": {
    says: "with a clean session Session Present is 0",
    tests: ["[MQTT311-3.1.2-6] [MQTT311-3.1.4-3] [MQTT311-3.2.2-1] a clean session forgets what was, and is forgotten"],
  },
  "MQTT311-3.2.2-2": {
    says: "without, and with a session stored, it is 1",
    tests: ["[MQTT311-3.1.2-4] [MQTT311-3.2.2-2] [MQTT311-3.2.2-3] a session that is not clean is resumed"],
  },
  "MQTT311-3.2.2-3": {
    says: "without a session stored it is 0",
    tests: ["[MQTT311-3.1.2-4] [MQTT311-3.2.2-2] [MQTT311-3.2.2-3] a session that is not clean is resumed"],
  },
  "MQTT311-3.2.2-4": {
    says: "with any return code but 0 it is 0",
    tests: ["[MQTT311-3.2.2-4] [MQTT311-3.2.2-5] a refusal has no session present, and closes"],
  },
  "MQTT311-3.2.2-5": {
    says: "such a return code is followed by the close",
    tests: ["[MQTT311-3.2.2-4] [MQTT311-3.2.2-5] a refusal has no session present, and closes"],
  },
  "MQTT311-3.2.2-6": {
    says: "where no return code fits, the connection is closed without CONNACK",
    notApplicable:
      "every refusal has a return code that fits, and a malformed CONNECT is closed without one (MQTT311-3.1.4-1)",
  },
};
