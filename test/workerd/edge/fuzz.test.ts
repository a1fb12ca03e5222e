// Packets that were damaged on purpose, before and behind CONNECT: whatever comes, the connection is answered or ended,
// and nobody else notices. The seed is fixed, so a failure comes again.

import type { Packet } from "mqtt-packet";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { log } from "../../../src/platform/log.ts";
import type { ProtocolVersion } from "./device.ts";
import { connectPacket, Device, served } from "./device.ts";

const SEED = 20_261_123;
const ROUNDS = 250;

/** Numbers below `bound`, the same in every run (mulberry32). */
function randomness(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

function damaged(packet: Uint8Array, random: (bound: number) => number): Uint8Array {
  const bytes = [...packet];
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(bytes.length);
    switch (random(6)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
        break;
      case 2:
        bytes.splice(at, 1 + random(4));
        break;
      case 3:
        bytes.splice(at, 0, ...Array.from({ length: 1 + random(4) }, () => random(256)));
        break;
      case 4:
        bytes.length = Math.max(1, at);
        break;
      default:
        bytes.push(...bytes.slice(at));
    }
    if (bytes.length === 0) bytes.push(random(256));
  }
  return Uint8Array.from(bytes);
}

function samples(version: ProtocolVersion): Packet[] {
  const of5 = (properties: Record<string, unknown>) => (version === 5 ? { properties } : {});
  const reason = of5({ reasonString: "reason", userProperties: { a: "b" } });
  const message = of5({
    payloadFormatIndicator: true,
    messageExpiryInterval: 5,
    topicAlias: 3,
    responseTopic: "r",
    correlationData: Buffer.from("c"),
    contentType: "text/plain",
    userProperties: { a: "b", c: ["d", "e"] },
  });
  const options = version === 5 ? { qos: 1, nl: true, rap: true, rh: 1 } : { qos: 1 };
  return [
    { cmd: "publish", topic: "fuzz/a", payload: "payload", qos: 0, retain: false, dup: false, ...message },
    { cmd: "publish", topic: "fuzz/b", payload: "payload", qos: 1, retain: true, dup: false, messageId: 7 },
    {
      cmd: "publish",
      topic: "fuzz/c",
      payload: "payload",
      qos: 2,
      retain: false,
      dup: true,
      messageId: 10,
      ...message,
    },
    { cmd: "publish", topic: "fuzz/d", payload: "", qos: 2, retain: true, dup: false, messageId: 11 },
    {
      cmd: "subscribe",
      messageId: 8,
      subscriptions: [{ topic: "fuzz/#", ...options }],
      ...of5({ subscriptionIdentifier: 300, userProperties: { a: "b" } }),
    },
    {
      cmd: "subscribe",
      messageId: 12,
      subscriptions: [
        { topic: "$share/g/fuzz/+", qos: 2 },
        { topic: "+/a", qos: 0 },
      ],
    },
    {
      cmd: "unsubscribe",
      messageId: 9,
      unsubscriptions: ["fuzz/#", "$share/g/fuzz/+"],
      ...of5({ userProperties: { a: "b" } }),
    },
    { cmd: "puback", messageId: 7 },
    { cmd: "puback", messageId: 1, ...reason },
    { cmd: "pubrec", messageId: 1, ...reason },
    { cmd: "pubrel", messageId: 10 },
    { cmd: "pubrel", messageId: 11, ...reason },
    { cmd: "pubcomp", messageId: 1, ...reason },
    { cmd: "pingreq" },
    { cmd: "disconnect", reasonCode: 0, ...of5({ sessionExpiryInterval: 10, reasonString: "reason" }) },
    connectPacket("second", { version }),
    ...(version === 5
      ? [
          {
            cmd: "auth",
            reasonCode: 0x19,
            properties: { authenticationMethod: "SCRAM-SHA-256", authenticationData: Buffer.from("n,,n=first,r=r") },
          },
        ]
      : []),
  ] as Packet[];
}

/** Errors of ours are logged; a peer's are not. */
beforeEach(() => {
  vi.spyOn(log, "error");
});
afterEach(() => {
  const errors = vi.mocked(log.error).mock.calls;
  vi.restoreAllMocks();
  expect(errors).toEqual([]);
});

/** A CONNECT with all that it may have. */
function fullConnect(version: ProtocolVersion): Packet {
  const will = { topic: "will", payload: Buffer.from("gone"), qos: 2, retain: true };
  if (version < 5) return connectPacket("fuzzed", { version, clean: false, will });
  const delayed = { willDelayInterval: 1, payloadFormatIndicator: true, contentType: "text/plain", responseTopic: "r" };
  return connectPacket("fuzzed", {
    version,
    clean: false,
    will: { ...will, properties: delayed },
    properties: {
      sessionExpiryInterval: 10,
      receiveMaximum: 3,
      maximumPacketSize: 1_000,
      topicAliasMaximum: 5,
      requestResponseInformation: true,
      requestProblemInformation: false,
      userProperties: { a: "b" },
    },
  });
}

describe.each([3, 4, 5] as const)("damaged packets, version %i", (version) => {
  it("behind CONNECT", { timeout: 60_000 }, async () => {
    const random = randomness(SEED + version);
    const deployment = await served();
    const witness = await Device.connect(deployment, "witness");
    await witness.subscribe("witness");
    const packets = samples(version);
    let ended = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const device = await Device.connect(deployment, "fuzzed", { version });
      const drawn = () => packets[random(packets.length)] ?? expect.unreachable();
      // In any state of its handshakes.
      for (let sound = random(4); sound > 0; sound--) device.bytes(device.encode(drawn()));
      device.bytes(damaged(device.encode(drawn()), random));
      device.bytes(device.encode({ cmd: "pingreq" }));
      // Answered, ended, or taken for the beginning of a packet that goes on.
      const answered = device.take("pingresp").then(
        () => "answered",
        () => "ended",
      );
      const outcome = await Promise.race([answered, scheduler.wait(30).then(() => "unfinished")]);
      if (outcome === "ended") ended += 1;
      device.drop();
    }
    expect(ended).toBeGreaterThan(ROUNDS / 10);
    expect(await witness.publish("witness", "well")).toBe(0);
    expect((await witness.message()).payload.toString()).toBe("well");
  });

  it("as CONNECT", { timeout: 60_000 }, async () => {
    const random = randomness(SEED - version);
    const deployment = await served();
    const connects = [connectPacket("fuzzed", { version, clean: false }), fullConnect(version)];
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const device = await Device.open(deployment, version, `192.0.2.${round % 250}`);
      device.bytes(damaged(device.encode(connects[round % 2] ?? expect.unreachable()), random));
      device.bytes(device.encode({ cmd: "pingreq" }));
      const connack = device.take("connack").then(
        ({ reasonCode, returnCode }) => ((reasonCode ?? returnCode) === 0 ? "accepted" : "refused"),
        () => "refused",
      );
      if ((await Promise.race([connack, scheduler.wait(30).then(() => "unfinished")])) === "refused") refused += 1;
      device.drop();
    }
    expect(refused).toBeGreaterThan(ROUNDS / 4);
    const healthy = await Device.connect(deployment, "healthy", { version });
    await healthy.subscribe("well");
    expect(await healthy.publish("well", "x")).toBe(0);
  });
});
