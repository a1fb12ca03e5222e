// From the first packet to CONNACK, with a judge whose answer the test gives.

import type { Packet } from "mqtt-packet";
import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import type { ConnectPacket } from "../../../src/broker/mqtt/packets.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { linkClose } from "../../../src/contracts/link.ts";
import { DeviceSocket } from "../../../src/worker/mqtt-connection/device-socket.ts";
import { EdgeLink } from "../../../src/worker/mqtt-connection/edge-link.ts";
import type { Accepted, Judged } from "../../../src/worker/mqtt-connection/handshake.ts";
import { Handshake } from "../../../src/worker/mqtt-connection/handshake.ts";
import { config } from "./connecting.ts";
import { SocketStub } from "./socket-stub.ts";

const PINGREQ = Uint8Array.of(0xc0, 0);
const CONNACK = 0x20;

function connectBytes(fields: object = {}): Uint8Array {
  const usual = { cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clean: true, clientId: "c", keepalive: 60 };
  return Uint8Array.from(mqttPacket.generate({ ...usual, ...fields } as Packet, { protocolVersion: 5 }));
}

function setUp() {
  const [stub, linkStub] = [new SocketStub(), new SocketStub()];
  const { promise, resolve } = Promise.withResolvers<Judged>();
  const heard: {
    asked: ConnectPacket[];
    early: Uint8Array[] | null;
    refused: number;
    errors: unknown[];
    held: Promise<unknown>[];
  } = {
    asked: [],
    early: null,
    refused: 0,
    errors: [],
    held: [],
  };
  const device = new DeviceSocket(stub.asWebSocket, () => handshake.close());
  const handshake: Handshake = new Handshake(device, {
    judge: (connect) => {
      heard.asked.push(connect);
      return promise;
    },
    hold: (work) => heard.held.push(work),
    accepted: (_connect, _accepted, early) => (heard.early = [...early]),
    refused: () => (heard.refused += 1),
    onError: (error) => heard.errors.push(error),
  });
  const yes: Accepted = {
    outcome: "connected",
    link: new EdgeLink(linkStub),
    config: config(),
    sessionPresent: false,
    awaitingRelease: [],
    assignedClientId: null,
  };
  /** The judge says so, and what follows from it is done. */
  const judged = async (answer: Judged = yes) => {
    resolve(answer);
    await new Promise(setImmediate);
  };
  const connack = () => {
    const [packet] = stub.sent;
    return packet instanceof Uint8Array && packet[0] === CONNACK ? packet[3] : null;
  };
  return { stub, linkStub, handshake, heard, judged, connack };
}

describe("while CONNECT is judged", () => {
  it("what comes waits, and is handed over in order behind CONNACK", async () => {
    const { handshake, heard, judged, connack } = setUp();
    handshake.onPacket(connectBytes());
    const early = [PINGREQ, Uint8Array.of(0xe0, 0)];
    for (const packet of early) handshake.onPacket(packet);
    expect([handshake.pendingBytes, heard.early, connack()]).toEqual([4, null, null]);
    await judged();
    expect([heard.early, connack(), handshake.pendingBytes]).toEqual([early, 0, 0]);
    expect(heard.asked.map(({ clientId }) => clientId)).toEqual(["c"]);
  });

  it("as many packets may come as the bound says, and one more is 0x97", () => {
    const { handshake } = setUp();
    handshake.onPacket(connectBytes());
    for (let i = 0; i < limits.earlyPackets; i++) handshake.onPacket(PINGREQ);
    expect(() => handshake.onPacket(PINGREQ)).toThrow(
      expect.objectContaining({ reasonCode: reasonCodes.quotaExceeded }),
    );
  });

  it("as many bytes may come as the bound says, and one more is 0x97", () => {
    const { handshake } = setUp();
    handshake.onPacket(connectBytes());
    handshake.onPacket(new Uint8Array(limits.inboundPendingBytes));
    expect(() => handshake.onPacket(new Uint8Array(1))).toThrow(
      expect.objectContaining({ reasonCode: reasonCodes.quotaExceeded }),
    );
  });

  it("[MQTT-3.2.2-7] a refusal is told and ends it", async () => {
    const { handshake, heard, judged, connack } = setUp();
    handshake.onPacket(connectBytes());
    await judged({ outcome: "refused", reasonCode: reasonCodes.banned, reasonString: "x" });
    expect([connack(), heard.refused, heard.early]).toEqual([reasonCodes.banned, 1, null]);
  });

  it("one that was refused meanwhile is not accepted by an answer that comes late", async () => {
    const { stub, linkStub, handshake, heard, judged } = setUp();
    handshake.onPacket(connectBytes());
    expect(handshake.refuse(reasonCodes.serverUnavailable, "no answer in time")).toBe(true);
    expect(handshake.refuse(reasonCodes.serverUnavailable, "no answer in time")).toBe(false);
    await judged();
    expect([stub.sent.length, heard.early, linkStub.closedWith]).toEqual([1, null, linkClose.deviceGone]);
  });
});

describe("a device that cannot be told", () => {
  it("its link is closed when it left meanwhile", async () => {
    const { stub, linkStub, handshake, heard, judged } = setUp();
    handshake.onPacket(connectBytes());
    handshake.close();
    await judged();
    expect([stub.sent, heard.early, linkStub.closedWith]).toEqual([[], null, linkClose.deviceGone]);
  });

  it("the invocation is held until the link of one that left is closed", async () => {
    const { linkStub, handshake, heard, judged } = setUp();
    handshake.onPacket(connectBytes());
    handshake.close();
    const [held] = heard.held;
    expect(held).toBeInstanceOf(Promise);
    const closedWhenLetGo = held?.then(() => linkStub.closedWith);
    await judged();
    expect(await closedWhenLetGo).toBe(linkClose.deviceGone);
  });

  it("its link is closed when CONNACK finds it gone", async () => {
    const { stub, linkStub, handshake, heard, judged } = setUp();
    handshake.onPacket(connectBytes());
    stub.broken = true;
    await judged();
    expect([heard.early, linkStub.closedWith, heard.errors]).toEqual([null, linkClose.deviceGone, []]);
  });

  it("[MQTT-3.1.2-24] its link is closed when CONNACK is larger than what it takes", async () => {
    const { stub, linkStub, handshake, heard, judged } = setUp();
    handshake.onPacket(connectBytes({ properties: { maximumPacketSize: 6 } }));
    await judged();
    expect([stub.sent, heard.early, heard.refused, linkStub.closedWith]).toEqual([[], null, 1, linkClose.fault]);
  });
});

describe("before anybody is asked", () => {
  it("a user name that is too long is 0x86", async () => {
    const { handshake, heard, connack } = setUp();
    handshake.onPacket(connectBytes({ username: "u".repeat(limits.usernameBytes + 1), password: "x" }));
    await new Promise(setImmediate);
    expect([connack(), heard.refused, heard.asked]).toEqual([reasonCodes.badUserNameOrPassword, 1, []]);
  });

  it("[MQTT-3.1.0-1] no answer is due but to CONNECT", () => {
    const { stub, handshake } = setUp();
    expect(() => handshake.onPacket(PINGREQ)).toThrow(
      expect.objectContaining({ reasonCode: reasonCodes.protocolError }),
    );
    expect(handshake.refuse(reasonCodes.protocolError, "x")).toBe(false);
    expect(stub.sent).toEqual([]);
  });

  it("a CONNECT that is too large is not waited for, whole or in parts", () => {
    const tooLarge = expect.objectContaining({ reasonCode: reasonCodes.packetTooLarge });
    const { handshake, heard } = setUp();
    handshake.onPartial(limits.connectPacketBytes);
    expect(() => handshake.onPartial(limits.connectPacketBytes + 1)).toThrow(tooLarge);
    const whole = new Uint8Array(limits.connectPacketBytes + 1);
    whole.set(connectBytes());
    expect(() => handshake.onPacket(whole)).toThrow(tooLarge);
    expect(heard.asked).toEqual([]);
  });
});
