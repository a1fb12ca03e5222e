// 5.0: CONNACK, section 3.2.

import type { Statements } from "./statement.ts";

export const mqtt5Connack: Statements = {
  "MQTT-3.2.0-1": {
    says: "nothing but AUTH comes before CONNACK 0x00",
    tests: ["[MQTT-3.2.0-1] CONNACK comes before any other packet, whatever came behind CONNECT"],
  },
  "MQTT-3.2.0-2": { says: "a connection has one CONNACK", tests: ["[MQTT-3.2.0-2] there is one CONNACK"] },
  "MQTT-3.2.2-1": {
    says: "the reserved acknowledge flags are 0",
    tests: ["[MQTT-3.2.2-1] the reserved flags are 0, session present: %s"],
  },
  "MQTT-3.2.2-2": {
    says: "after a clean start Session Present is 0",
    tests: ["[MQTT-3.2.2-2] [MQTT-3.1.2-4] a clean start finds no session"],
  },
  "MQTT-3.2.2-3": {
    says: "otherwise it says whether there was a session",
    tests: [
      "[MQTT-3.2.2-3] [MQTT-3.1.2-5] [MQTT-3.1.2-6] says whether there is a session",
      "[MQTT-3.2.2-3] Session Present of version %i follows the session",
    ],
  },
  "MQTT-3.2.2-4": {
    says: "a client without a session closes when one is said to be present",
    notApplicable: "binds clients alone",
  },
  "MQTT-3.2.2-5": {
    says: "a client with a session discards it when none is said to be present",
    notApplicable: "binds clients alone",
  },
  "MQTT-3.2.2-6": {
    says: "with any code but 0x00 Session Present is 0",
    tests: ["[MQTT-3.2.2-6] [MQTT-3.2.2-7] a refusal has no session present, and ends the connection"],
  },
  "MQTT-3.2.2-7": {
    says: "a code of 0x80 or more is followed by the close",
    tests: [
      "[MQTT-3.2.2-6] [MQTT-3.2.2-7] a refusal has no session present, and ends the connection",
      "[MQTT-3.2.2-7] a refusal is told and ends it",
    ],
  },
  "MQTT-3.2.2-8": {
    says: "the codes are those of CONNACK",
    tests: [
      "[MQTT-3.2.2-8] refusals use reason codes of CONNACK",
      "[MQTT-3.2.2-8] allows 1,000 sessions: the next gets 0x97",
    ],
  },
  "MQTT-3.2.2-9": {
    says: "a server that lacks QoS 1 or 2 says so as Maximum QoS",
    tests: ["[MQTT-3.2.2-9] a server of QoS 2 announces no lower maximum"],
  },
  "MQTT-3.2.2-10": {
    says: "even such a server takes subscriptions of any QoS",
    tests: ["[MQTT-3.2.2-10] every QoS may be asked for"],
  },
  "MQTT-3.2.2-11": {
    says: "a client does not publish above Maximum QoS",
    notApplicable: "binds clients alone; the server offers every QoS",
  },
  "MQTT-3.2.2-12": {
    says: "a will of a QoS that the server lacks is refused",
    tests: ["[MQTT-3.1.2-12] [MQTT-3.2.2-12] a will may have QoS %i"],
  },
  "MQTT-3.2.2-13": {
    says: "a retained will is refused by a server without retained messages",
    tests: ["[MQTT-3.2.2-13] where retained messages are available, a retained will is taken"],
  },
  "MQTT-3.2.2-14": {
    says: "a client publishes nothing retained where that is not available",
    notApplicable: "binds clients alone; retained messages are available",
  },
  "MQTT-3.2.2-15": {
    says: "a client sends nothing larger than the server's Maximum Packet Size",
    tests: ["[MQTT-3.2.2-15] a packet larger than the server takes is 0x95"],
  },
  "MQTT-3.2.2-16": {
    says: "an assigned client id is told, and no other session has it",
    tests: [
      "[MQTT-3.2.2-16] assigned client ids are unique",
      "[MQTT-3.2.2-16] tells an assigned client id, which no other client gets",
    ],
  },
  "MQTT-3.2.2-17": {
    says: "a client's topic aliases are within the server's maximum",
    tests: [
      "[MQTT-3.2.2-17] [MQTT-3.2.2-18] takes every topic alias up to the maximum that it announces, and none past it",
      "[MQTT-3.2.2-17] %s asked for where %i is the most: %i",
    ],
  },
  "MQTT-3.2.2-18": {
    says: "without such a maximum a client sends no aliases",
    tests: [
      "[MQTT-3.2.2-17] [MQTT-3.2.2-18] takes every topic alias up to the maximum that it announces, and none past it",
    ],
  },
  "MQTT-3.2.2-19": {
    says: "a reason that would make CONNACK too large is left out",
    tests: [
      "[MQTT-3.2.2-19] [MQTT-3.2.2-20] what explains a refusal does not exceed Maximum Packet Size",
      "[MQTT-3.2.2-19] a reason that makes CONNACK too large is left out",
    ],
  },
  "MQTT-3.2.2-20": {
    says: "so are user properties",
    tests: ["[MQTT-3.2.2-19] [MQTT-3.2.2-20] what explains a refusal does not exceed Maximum Packet Size"],
  },
  "MQTT-3.2.2-21": {
    says: "a client uses Server Keep Alive in place of its own",
    tests: ["[MQTT-3.2.2-21] tells a keep alive that is not the client's own"],
  },
  "MQTT-3.2.2-22": {
    says: "without Server Keep Alive the server goes by the client's",
    tests: ["[MQTT-3.2.2-22] without Server Keep Alive the client's own counts"],
  },
};
