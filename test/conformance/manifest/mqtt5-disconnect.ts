// 5.0: PINGREQ, DISCONNECT and AUTH, sections 3.12 to 3.15.

import type { Statements } from "./statement.ts";

export const mqtt5Disconnect: Statements = {
  "MQTT-3.12.4-1": {
    says: "PINGREQ is answered with PINGRESP",
    tests: [
      "[MQTT-3.12.4-1] PINGREQ is answered with PINGRESP",
      "[MQTT-3.12.4-1] gets one PINGRESP when it reads again, however often it asked",
      "[MQTT-3.12.4-1] PINGREQ is answered",
    ],
  },
  "MQTT-3.14.0-1": {
    says: "a server sends DISCONNECT only behind a CONNACK below 0x80",
    tests: ["[MQTT-3.14.0-1] a refused connection gets no DISCONNECT"],
  },
  "MQTT-3.14.1-1": {
    says: "reserved flags that are not 0 are answered with 0x81",
    tests: ["[MQTT-3.14.1-1] DISCONNECT with the first byte %i is 0x81"],
  },
  "MQTT-3.14.2-1": {
    says: "DISCONNECT has one of its reason codes",
    tests: [
      "[MQTT-3.14.2-1] a protocol error is told with a reason code of DISCONNECT",
      "[MQTT-3.14.2-1] a reason code that DISCONNECT does not have is refused",
    ],
  },
  "MQTT-3.14.2-2": {
    says: "a server's DISCONNECT has no Session Expiry Interval",
    tests: [
      "[MQTT-3.14.2-2] the server's DISCONNECT has no Session Expiry Interval",
      "[MQTT-3.14.2-2] a session expiry at DISCONNECT where CONNECT had none",
    ],
  },
  "MQTT-3.14.2-3": {
    says: "a reason that would make DISCONNECT too large is left out",
    tests: [
      "[MQTT-3.14.2-3] [MQTT-3.14.2-4] DISCONNECT does not exceed Maximum Packet Size",
      "[MQTT-3.14.2-3] a reason that makes DISCONNECT too large is left out, its code is not",
    ],
  },
  "MQTT-3.14.2-4": {
    says: "so are user properties",
    tests: ["[MQTT-3.14.2-3] [MQTT-3.14.2-4] DISCONNECT does not exceed Maximum Packet Size"],
  },
  "MQTT-3.14.4-1": {
    says: "behind DISCONNECT its sender sends nothing",
    tests: [
      "[MQTT-3.14.4-1] [MQTT-3.14.4-2] nothing follows the server's DISCONNECT but the close",
      "[MQTT-3.14.4-1] is sent nothing behind the DISCONNECT that ends it",
    ],
  },
  "MQTT-3.14.4-2": {
    says: "behind DISCONNECT its sender closes",
    tests: [
      "[MQTT-3.14.4-1] [MQTT-3.14.4-2] nothing follows the server's DISCONNECT but the close",
      "[MQTT-3.14.4-2] the server closes behind a client's DISCONNECT",
    ],
  },
  "MQTT-3.14.4-3": {
    says: "DISCONNECT 0x00 discards the will",
    tests: [
      "[MQTT-3.1.2-10] [MQTT-3.14.4-3] DISCONNECT 0x00 discards the will",
      "[MQTT-3.14.4-3] is forgotten at DISCONNECT 0x00, and published at 0x04",
    ],
  },
  "MQTT-3.15.1-1": {
    says: "AUTH has the flags 0000; any other is malformed and ends the connection",
    tests: ["[MQTT-3.15.1-1] AUTH with the first byte %i is malformed"],
  },
  "MQTT-3.15.2-1": {
    says: "AUTH has one of its reason codes",
    tests: [
      "[MQTT-3.15.2-1] AUTH with a reason code that it does not have is refused",
      "[MQTT-4.12.0-2] [MQTT-4.12.0-5] [MQTT-3.15.2-1] AUTH 0x18 and CONNACK carry the client's method",
    ],
  },
  "MQTT-3.15.2-2": {
    says: "a reason that would make AUTH too large is left out",
    tests: ["[MQTT-3.15.2-2] [MQTT-3.15.2-3] AUTH is within Maximum Packet Size"],
  },
  "MQTT-3.15.2-3": {
    says: "so are user properties",
    tests: ["[MQTT-3.15.2-2] [MQTT-3.15.2-3] AUTH is within Maximum Packet Size"],
  },
};
