// 5.0: CONNECT: its payload and the answer, sections 3.1.3 and 3.1.4.

import type { Statements } from "./statement.ts";

export const mqtt5ConnectPayload: Statements = {
  "MQTT-3.1.3-1": {
    says: "the payload's fields stand in their order",
    tests: ["[MQTT-3.1.3-1] reads client id, will, user name and password in this order", "%s ill-formed UTF-8: %s"],
  },
  "MQTT-3.1.3-2": {
    says: "the client id is the name of the session",
    tests: ["[MQTT-3.1.3-2] a client id names one session"],
  },
  "MQTT-3.1.3-3": {
    says: "the client id is the payload's first field",
    tests: ["[MQTT-3.1.3-3] a CONNECT without a client id is malformed", "%s ill-formed UTF-8: %s"],
  },
  "MQTT-3.1.3-4": { says: "it is text", tests: ["%s ill-formed UTF-8: %s"] },
  "MQTT-3.1.3-5": {
    says: "client ids of 1 to 23 letters and figures are taken",
    tests: ["[MQTT-3.1.3-5] takes the client id %s"],
  },
  "MQTT-3.1.3-6": {
    says: "an empty client id gets a unique one from the server",
    tests: ["[MQTT-3.1.3-6] [MQTT-3.1.3-7] an empty client id gets one of its own, which names its session"],
  },
  "MQTT-3.1.3-7": {
    says: "CONNECT is handled as if the client had sent that one, and CONNACK tells it",
    tests: ["[MQTT-3.1.3-6] [MQTT-3.1.3-7] an empty client id gets one of its own, which names its session"],
  },
  "MQTT-3.1.3-8": {
    says: "a client id that is refused ends the connection, if told then with 0x85",
    tests: [
      "[MQTT-3.1.3-8] a client id that is refused is 0x85 and closed",
      "[MQTT-3.1.3-8] a client id that is too long is 0x85",
    ],
  },
  "MQTT-3.1.3-9": {
    says: "a connection to the session within the will's delay keeps the will back",
    tests: [
      "[MQTT-3.1.3-9] a return within the delay takes the will back",
      "[MQTT-3.1.3-9] is ended by a return to the session, over an eviction",
    ],
  },
  "MQTT-3.1.3-10": {
    says: "user properties of a will are published in their order",
    tests: ["[MQTT-3.1.3-10] a will keeps its properties, user properties in their order"],
  },
  "MQTT-3.1.3-11": { says: "the will's topic is text", tests: ["%s ill-formed UTF-8: %s"] },
  "MQTT-3.1.3-12": { says: "the user name is text", tests: ["%s ill-formed UTF-8: %s"] },
  "MQTT-3.1.4-1": {
    says: "a CONNECT that breaks the format of section 3.1 ends the connection",
    tests: [
      "[MQTT-3.1.4-1] a will with %s",
      "[MQTT-3.1.4-1] CONNECT with %s is refused",
      "[MQTT-3.1.4-1] bytes behind the last field are malformed",
      "[MQTT-3.1.4-1] CONNECT with the first byte %i is closed",
      "[MQTT-3.1.4-1] a will to the topic '%s' is refused",
      "[MQTT-3.1.4-1] reads CONNECT with all that it may carry",
      "[MQTT-3.1.4-1] reads CONNECT as mqtt-packet does",
    ],
  },
  "MQTT-3.1.4-2": {
    says: "so does one that fails the server's own checks",
    tests: [
      "[MQTT-4.12.0-4] [MQTT-3.1.4-2] a wrong password is refused and closed",
      "[MQTT-3.1.4-2] a wrong password is 0x86 or 0x87 and closed",
    ],
  },
  "MQTT-3.1.4-3": {
    says: "a client that is connected already is ended with 0x8E",
    tests: [
      "[MQTT-3.1.4-3] a second connection of a client id ends the first with 0x8E",
      "[MQTT-3.1.4-3] who takes over a session gets what its first connection had not acknowledged",
      "[MQTT-3.1.4-3] ends the first connection of a client id when a second comes",
      "[MQTT-3.1.4-3] the newcomer takes over, with %i shard(s)",
      "[MQTT-3.1.4-3] takes over a client with the same id",
    ],
  },
  "MQTT-3.1.4-4": {
    says: "the server handles Clean Start as said there",
    tests: ["[MQTT-3.1.4-4] a clean start forgets subscriptions and messages"],
  },
  "MQTT-3.1.4-5": {
    says: "a CONNECT that is accepted gets CONNACK 0x00",
    tests: ["[MQTT-3.1.4-5] a CONNECT that is right gets 0x00", "[MQTT-3.1.4-5] accepts protocol level %i"],
  },
  "MQTT-3.1.4-6": {
    says: "behind a CONNECT that is refused nothing but AUTH is processed",
    tests: ["[MQTT-3.1.4-6] what came behind a refused CONNECT is not processed"],
  },
};
