// 5.0: PUBACK, PUBREC, PUBREL and PUBCOMP, sections 3.4 to 3.7.

import type { Statements } from "./statement.ts";

export const mqtt5Acknowledgements: Statements = {
  "MQTT-3.4.2-1": {
    says: "PUBACK has one of its reason codes",
    tests: [
      "%s %s with a reason code that it does not have is refused",
      "[MQTT-3.4.2-1] PUBACK has a reason code of its own",
      "[MQTT-3.4.2-1] a PUBACK whose reason code does not exist is refused",
      "[MQTT-3.4.2-1] answers 202 with reason code 16 when nobody subscribes",
      "[MQTT-3.4.2-1] PUBACK says whether anybody subscribed",
      "[MQTT-3.4.2-1] answers 0x10 when nobody subscribes",
      "[MQTT-3.4.2-1] answers 0x10 when nobody subscribes any more, though the route still stands",
    ],
  },
  "MQTT-3.4.2-2": {
    says: "a reason that would make PUBACK too large is left out",
    tests: ["%s %s is within Maximum Packet Size"],
  },
  "MQTT-3.4.2-3": { says: "so are user properties", tests: ["%s %s is within Maximum Packet Size"] },
  "MQTT-3.5.2-1": {
    says: "PUBREC has one of its reason codes",
    tests: [
      "%s %s with a reason code that it does not have is refused",
      "[MQTT-3.5.2-1] PUBREC has a reason code of its own",
    ],
  },
  "MQTT-3.5.2-2": {
    says: "a reason that would make PUBREC too large is left out",
    tests: ["%s %s of QoS 2 is within Maximum Packet Size"],
  },
  "MQTT-3.5.2-3": { says: "so are user properties", tests: ["%s %s of QoS 2 is within Maximum Packet Size"] },
  "MQTT-3.6.1-1": {
    says: "PUBREL has the flags 0010; any other is malformed and ends the connection",
    tests: [
      "[MQTT-3.6.1-1] PUBREL with the first byte %i is malformed",
      "%s %s with a reason code that it does not have is refused",
    ],
  },
  "MQTT-3.6.2-1": {
    says: "PUBREL has one of its reason codes",
    tests: [
      "%s %s with a reason code that it does not have is refused",
      "[MQTT-3.6.2-1] PUBREC of a packet id that is not in use gets PUBREL 0x92",
    ],
  },
  "MQTT-3.6.2-2": {
    says: "a reason that would make PUBREL too large is left out",
    tests: ["%s %s of QoS 2 is within Maximum Packet Size"],
  },
  "MQTT-3.6.2-3": { says: "so are user properties", tests: ["%s %s of QoS 2 is within Maximum Packet Size"] },
  "MQTT-3.7.2-1": {
    says: "PUBCOMP has one of its reason codes",
    tests: [
      "%s %s with a reason code that it does not have is refused",
      "[MQTT-3.7.2-1] PUBREL of a packet id that is not in use gets PUBCOMP 0x92",
    ],
  },
  "MQTT-3.7.2-2": {
    says: "a reason that would make PUBCOMP too large is left out",
    tests: ["%s %s of QoS 2 is within Maximum Packet Size"],
  },
  "MQTT-3.7.2-3": { says: "so are user properties", tests: ["%s %s of QoS 2 is within Maximum Packet Size"] },
};
