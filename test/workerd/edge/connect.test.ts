// CONNECT and CONNACK at the real endpoint: versions, names, refusals, and what the server says of itself.

import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { PASSWORD, user } from "../deployment/deployment-client.ts";
import { config } from "../shards/link-client.ts";
import type { ConnectOptions, ProtocolVersion } from "./device.ts";
import { connectPacket, Device, served } from "./device.ts";

const versions: readonly ProtocolVersion[] = [3, 4, 5];

async function connack(clientId: string, options: ConnectOptions = {}) {
  const device = await Device.attempt(await served(), clientId, options);
  const answer = await device.take("connack");
  return { device, answer };
}

describe("CONNACK", () => {
  it.each(versions)("[MQTT-3.1.4-5] accepts protocol level %i", async (version) => {
    const { answer } = await connack("c", { version });
    expect(answer).toMatchObject(version === 5 ? { reasonCode: 0 } : { returnCode: 0 });
    expect(answer.sessionPresent).toBe(false);
  });

  it("says what the server can and cannot do", async () => {
    const { answer } = await connack("c");
    expect(answer.properties).toEqual({
      receiveMaximum: 65_535,
      maximumPacketSize: 1_114_112,
      topicAliasMaximum: 4_095,
    });
  });

  it("[MQTT-3.2.2-16] tells an assigned client id, which no other client gets", async () => {
    const { answer } = await connack("");
    const other = await connack("");
    const id = answer.properties?.assignedClientIdentifier;
    expect(id).toMatch(/^auto-[0-9a-f]{24}$/);
    expect(other.answer.properties?.assignedClientIdentifier).not.toBe(id);
  });

  it("[MQTT-3.2.2-21] tells a keep alive that is not the client's own", async () => {
    const { settings } = config(1);
    const deployment = await served(1, { settings: { ...settings, keepAliveSecondsMax: 300 } });
    const keepAliveFor = async (keepalive: number) => {
      const device = await Device.attempt(deployment, `k${keepalive}`, { keepalive });
      return (await device.take("connack")).properties?.serverKeepAlive;
    };
    expect([await keepAliveFor(0), await keepAliveFor(301), await keepAliveFor(300)]).toEqual([300, 300, undefined]);
  });

  it("tells a session expiry that is shorter than the one asked for", async () => {
    const { answer } = await connack("c", { properties: { sessionExpiryInterval: 0xffff_ffff } });
    expect(answer.properties?.sessionExpiryInterval).toBe(7 * 24 * 3_600);
    const granted = await connack("c", { properties: { sessionExpiryInterval: 60 } });
    expect(granted.answer.properties?.sessionExpiryInterval).toBeUndefined();
  });

  it.each([4, 5] as const)("[MQTT-3.2.2-3] Session Present of version %i follows the session", async (version) => {
    const deployment = await served();
    const options: ConnectOptions = { version, clean: false, properties: { sessionExpiryInterval: 60 } };
    const present = async (change: ConnectOptions = {}) => {
      const device = await Device.attempt(deployment, "c", { ...options, ...change });
      const { sessionPresent } = await device.take("connack");
      await device.subscribe("a");
      device.send({ cmd: "disconnect" });
      await device.closed;
      return sessionPresent;
    };
    expect([await present(), await present(), await present({ clean: true }), await present()]).toEqual([
      false,
      true,
      false,
      version === 5,
    ]);
  });
});

describe("refusals", () => {
  it.each([
    ["badUserNameOrPassword", 4, "a wrong password", { password: "wrong" }],
    ["badUserNameOrPassword", 4, "an unknown user", { username: "nobody" }],
    ["badUserNameOrPassword", 4, "nobody", { username: null, password: null }],
    [
      "topicNameInvalid",
      3,
      "a will too deep",
      { will: { topic: "/".repeat(128), payload: "p", qos: 1, retain: false } },
    ],
  ] as const)("%s: %s", async (name, returnCode, _what, options) => {
    const five = await connack("c", options);
    expect(five.answer.reasonCode).toBe(reasonCodes[name]);
    expect(five.answer.properties?.reasonString).toBeTypeOf("string");
    await five.device.closed; // [MQTT-3.2.2-7]
    const four = await connack("c", { ...options, version: 4 });
    expect(four.answer.returnCode).toBe(returnCode);
    await four.device.closed;
  });

  it("[MQTT-3.1.3-8] a client id that is too long is 0x85", async () => {
    expect((await connack("c".repeat(1_024))).answer.reasonCode).toBe(0);
    expect((await connack("c".repeat(1_025))).answer.reasonCode).toBe(reasonCodes.clientIdentifierNotValid);
    expect((await connack("ü".repeat(513))).answer.reasonCode).toBe(reasonCodes.clientIdentifierNotValid);
  });

  it("a user name that is too long is 0x86, before 5.0 return code 4, and one as long as may be connects", async () => {
    const deployment = await served();
    const attempt = async (username: string, version: ProtocolVersion) => {
      const device = await Device.attempt(deployment, "c", { username, password: "secret", version });
      return device.take("connack");
    };
    const longest = "\u20ac".repeat(341) + "u"; // 1,024 bytes.
    await deployment.object.addUser(await user(longest, "secret"));
    expect((await attempt(longest, 5)).reasonCode).toBe(0);
    const refused = await attempt(`${longest}u`, 5);
    expect(refused.reasonCode).toBe(reasonCodes.badUserNameOrPassword);
    expect(refused.properties?.reasonString).toContain("1024 bytes");
    expect((await attempt("u".repeat(65_535), 4)).returnCode).toBe(4);
  });

  it("[MQTT311-3.1.3-8] an empty client id without clean session is return code 2", async () => {
    const device = await Device.open(await served(), 4);
    // mqtt-packet refuses to write it, so by hand.
    const password = Buffer.from(PASSWORD);
    const rest = [0, 4, ...Buffer.from("MQTT"), 4, 0xc0, 0, 60, 0, 0, 0, 5, ...Buffer.from("first")];
    const body = [...rest, 0, password.length, ...password];
    device.bytes([0x10, body.length, ...body]);
    expect((await device.take("connack")).returnCode).toBe(2);
    await device.closed;
  });

  it("a will whose properties are as long as they can be is read", async () => {
    const userProperties = { ["n".repeat(65_000)]: "v".repeat(65_000) };
    const will = { topic: "w", payload: "p", qos: 1, retain: false, properties: { userProperties } };
    expect((await connack("c", { will })).answer.reasonCode).toBe(reasonCodes.success);
  });

  it("[MQTT-3.1.2-2] an unknown protocol level is 0x84, before 5.0 return code 1", async () => {
    const deployment = await served();
    const attempt = async (level: number) => {
      const device = await Device.open(deployment, level < 5 ? 4 : 5);
      device.bytes([0x10, 13, 0, 4, ...Buffer.from("MQTT"), level, 2, 0, 60, 0, 1, 99]);
      const { reasonCode, returnCode } = await device.take("connack");
      await device.closed;
      return reasonCode ?? returnCode;
    };
    expect([await attempt(6), await attempt(2)]).toEqual([reasonCodes.unsupportedProtocolVersion, 1]);
  });

  it("a user that was made a moment ago connects, one that was removed is out", async () => {
    const deployment = await served();
    const attempt = async () => {
      const device = await Device.attempt(deployment, "c", { username: "second", password: "secret of second" });
      return { device, code: (await device.take("connack")).reasonCode };
    };
    expect((await attempt()).code).toBe(reasonCodes.badUserNameOrPassword);
    await deployment.object.addUser(await user("second", "secret of second"));
    const { device, code } = await attempt();
    expect(code).toBe(0);
    await deployment.object.removeUser("second");
    expect(await device.ended()).toBe(reasonCodes.notAuthorized);
    expect((await attempt()).code).toBe(reasonCodes.badUserNameOrPassword);
  });

  it("[MQTT311-3.1.4-1] a malformed CONNECT before 5.0 gets no CONNACK", async () => {
    const device = await Device.open(await served(), 4);
    device.bytes([0x10, 13, 0, 4, ...Buffer.from("MQTT"), 4, 3, 0, 60, 0, 1, 99]); // The reserved flag is set.
    await device.closed;
    expect(device.untaken).toEqual([]);
  });

  it("[MQTT-3.1.2-3] a malformed CONNECT of 5.0 is 0x81", async () => {
    const device = await Device.open(await served());
    device.bytes([0x10, 14, 0, 4, ...Buffer.from("MQTT"), 5, 3, 0, 60, 0, 0, 1, 99]);
    expect((await device.take("connack")).reasonCode).toBe(reasonCodes.malformedPacket);
    await device.closed;
  });

  it("[MQTT-3.1.0-1] anything before CONNECT ends the connection without an answer", async () => {
    const deployment = await served();
    for (const packet of [{ cmd: "pingreq" }, { cmd: "publish", topic: "t", payload: "", qos: 0 }] as const) {
      const device = await Device.open(deployment);
      device.send(packet as never);
      await device.closed;
      expect(device.untaken).toEqual([]);
    }
  });

  it("[MQTT-3.1.2-24] a reason is left out where it would make the packet too large for the client", async () => {
    const properties = { maximumPacketSize: 20 };
    const { answer } = await connack("c", { password: "wrong", properties });
    expect(answer.reasonCode).toBe(reasonCodes.badUserNameOrPassword);
    expect(answer.properties?.reasonString).toBeUndefined();
  });
});

describe("around CONNECT", () => {
  it("[MQTT-6.0.0-2] CONNECT may come byte by byte", async () => {
    const device = await Device.open(await served());
    for (const byte of device.encode(connectPacket("c"))) device.bytes([byte]);
    expect((await device.take("connack")).reasonCode).toBe(0);
  });

  it.each(versions)("what follows CONNECT in its frame is done in order, version %i", async (version) => {
    const device = await Device.open(await served(), version);
    const subscribe = { topic: "a", qos: 1 as const, nl: false, rap: false, rh: 0 };
    device.send(
      connectPacket("c", { version }),
      { cmd: "subscribe", messageId: 1, subscriptions: [subscribe] } as never,
      { cmd: "pingreq" },
    );
    await device.take("suback");
    expect(device.untaken.map(({ cmd }) => cmd)).toEqual(["connack", "pingresp"]);
    expect(await device.publish("a", "x")).toBe(0);
    expect((await device.message()).payload.toString()).toBe("x");
  });

  it("what comes in frames of its own while CONNECT is judged waits for CONNACK", async () => {
    const device = await Device.open(await served());
    device.send(connectPacket("c"));
    for (let i = 0; i < 50; i++) device.send({ cmd: "pingreq" });
    for (let i = 0; i < 50; i++) await device.take("pingresp");
    expect(device.untaken.map(({ cmd }) => cmd)).toEqual(["connack"]);
  });

  it("[MQTT-3.1.0-2] a second CONNECT ends the connection with 0x82", async () => {
    const device = await Device.connect(await served(), "c");
    device.send(connectPacket("c"));
    expect(await device.ended()).toBe(reasonCodes.protocolError);
  });

  it("CONNECT is answered by the fault behind it in its frame", async () => {
    const device = await Device.open(await served());
    device.bytes([...device.encode(connectPacket("c")), 0xc1, 0, 0x30, 0x80, 0]);
    expect((await device.take("connack")).reasonCode).toBe(reasonCodes.malformedPacket);
    await device.closed;
  });

  it("more packets behind CONNECT than can wait are 0x97", async () => {
    const device = await Device.open(await served());
    const pings = Array.from({ length: limits.earlyPackets + 1 }, () => [0xc0, 0]).flat();
    device.bytes(Buffer.concat([device.encode(connectPacket("c")), Buffer.from(pings)]));
    expect((await device.take("connack")).reasonCode).toBe(reasonCodes.quotaExceeded);
    await device.closed;
  });

  it("a frame of eight million packets costs the service nothing, before CONNECT and after it", async () => {
    const deployment = await served();
    const frame = new Uint8Array(16 * 1_024 * 1_024).map((_, i) => (i % 2 === 0 ? 0xc0 : 0));
    const nobody = await Device.open(deployment);
    nobody.bytes(frame);
    await nobody.closed;
    const device = await Device.connect(deployment, "c");
    device.bytes(frame);
    await device.ended();
    expect(device.untaken.filter(({ cmd }) => cmd === "pingresp").length).toBeLessThanOrEqual(limits.pongsAtOnce + 1);
    const healthy = await Device.connect(deployment, "healthy");
    await healthy.ping();
  });

  it("a CONNECT that is larger than any can be is refused before all of it came", async () => {
    const device = await Device.open(await served());
    device.bytes([0x10, 0xff, 0xff, 0x3f]); // Claims a megabyte.
    for (let i = 0; i < 5; i++) device.bytes(new Uint8Array(64 * 1_024));
    await device.closed;
  });
});
