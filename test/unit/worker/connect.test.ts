// What the edge decides of a CONNECT alone, and which deployment an address means.

import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { makeDeploymentId } from "../../../src/contracts/deployment-id.ts";
import { targetOf } from "../../../src/worker/deployment-host.ts";
import {
  answerVersionOf,
  connackOf,
  keepAliveOf,
  packetBytesMax,
  refuseConnect,
  sessionExpiryOf,
} from "../../../src/worker/mqtt-connection/connect.ts";
import { config, connect } from "./connecting.ts";

const NEVER = 0xffff_ffff;

describe("session expiry", () => {
  it.each([
    [null, 100, 0],
    [0, 100, 0],
    [50, 100, 50],
    [200, 100, 100],
    [NEVER, 100, 100],
    [NEVER, NEVER, NEVER],
    [NEVER - 1, NEVER, NEVER - 1],
    [50, 0, 0],
  ])(
    "[MQTT-3.2.2-17] %s asked for where %i is the most: %i",
    (sessionExpiryInterval, sessionExpirySecondsMax, granted) => {
      expect(sessionExpiryOf(connect({ sessionExpiryInterval }), config({ sessionExpirySecondsMax }))).toBe(granted);
    },
  );

  it("[MQTT311-3.1.2-6] before 5.0 a clean session ends with its connection, another after the deployment's own time", () => {
    const settings = config({ sessionExpirySecondsV3: 7_200, sessionExpirySecondsMax: 86_400 });
    expect(sessionExpiryOf(connect({ protocolVersion: 4, cleanStart: true }), settings)).toBe(0);
    expect(sessionExpiryOf(connect({ protocolVersion: 4, cleanStart: false }), settings)).toBe(7_200);
    const short = config({ sessionExpirySecondsV3: 7_200, sessionExpirySecondsMax: 60 });
    expect(sessionExpiryOf(connect({ protocolVersion: 3, cleanStart: false }), short)).toBe(60);
  });
});

describe("keep alive", () => {
  it.each([
    [5, 60, 65_535, 60],
    [5, 0, 65_535, 0],
    [5, 0, 300, 300],
    [5, 301, 300, 300],
    [5, 299, 300, 299],
    // Before 5.0 a client cannot be told another one.
    [4, 0, 300, 0],
    [4, 301, 300, 301],
  ] as const)("version %i, %i s asked for, %i s at most: %i s", (protocolVersion, keepAliveSeconds, most, demanded) => {
    const asked = connect({ protocolVersion, keepAliveSeconds });
    expect(keepAliveOf(asked, config({ keepAliveSecondsMax: most }))).toBe(demanded);
  });
});

describe("Response Information", () => {
  const told = (asks: boolean, responseInformation: string | null, clientId = "c") =>
    connackOf(connect({ clientId, requestResponseInformation: asks }), config({ responseInformation }), {
      present: false,
      clientId,
      assignedClientId: null,
    }).responseInformation;

  it("[MQTT-3.1.2-28] is told to who asks, with its client id, and to nobody else", () => {
    expect(told(true, "response/${clientid}/")).toBe("response/c/");
    expect(told(true, "${clientid}/${clientid}", "$&")).toBe("$&/$&");
    expect(told(false, "response/${clientid}/")).toBeUndefined();
    expect(told(true, null)).toBeUndefined();
  });
});

it("the largest packet follows the plan's largest payload, up to the service's own bound", () => {
  expect(packetBytesMax(config({}, 1_000))).toBe(1_000 + 65_536);
  expect(packetBytesMax(config({}, 100_000_000))).toBe(1_048_576 + 65_536);
});

describe("the length of names, in bytes of UTF-8", () => {
  const { badUserNameOrPassword, clientIdentifierNotValid } = reasonCodes;

  it.each([
    ["username", limits.usernameBytes, badUserNameOrPassword],
    ["clientId", limits.clientIdBytes, clientIdentifierNotValid],
  ] as const)("%s: %i are taken, one more is refused", (name, most, reasonCode) => {
    for (const letter of ["a", "\u00fc", "\u20ac", "\u{1f41f}"]) {
      const bytes = new TextEncoder().encode(letter).length;
      const longest = letter.repeat(Math.floor(most / bytes)) + "a".repeat(most % bytes);
      expect(refuseConnect(connect({ [name]: longest }))).toBeNull();
      const refusal = refuseConnect(connect({ [name]: `${longest}a` }));
      expect(refusal).toMatchObject({ reasonCode, reasonString: expect.stringContaining(`${most} bytes`) });
    }
  });

  it("nobody's name is not too long", () => {
    expect(refuseConnect(connect({ username: null }))).toBeNull();
  });
});

describe("in which version an unreadable CONNECT is answered", () => {
  const packet = (level: number) => Uint8Array.of(0x10, 8, 0, 4, 77, 81, 84, 84, level, 2);
  const { malformedPacket, unsupportedProtocolVersion } = reasonCodes;

  it.each([
    [5, malformedPacket, 5],
    [4, malformedPacket, null],
    [3, malformedPacket, null],
    [6, unsupportedProtocolVersion, 5],
    [2, unsupportedProtocolVersion, 4],
    [0, unsupportedProtocolVersion, 4],
  ] as const)("level %i, reason %i: %s", (level, reasonCode, version) => {
    expect(answerVersionOf(packet(level), reasonCode)).toBe(version);
  });

  it("[MQTT-3.1.0-1] nothing but CONNECT is answered", () => {
    expect(answerVersionOf(null, malformedPacket)).toBeNull();
    expect(answerVersionOf(Uint8Array.of(0xc0, 0), malformedPacket)).toBeNull();
    expect(answerVersionOf(Uint8Array.of(0x10, 0), malformedPacket)).toBeNull();
    expect(answerVersionOf(Uint8Array.of(0x10, 2, 0xff, 0xff), malformedPacket)).toBeNull();
  });
});

describe("addresses", () => {
  const KEY = "a key for tests alone, 32 bytes or more";
  const id = makeDeploymentId("auto", KEY, (bytes) => new Uint8Array(bytes));
  const at = async (url: string, domain = "") => targetOf(new URL(url.replaceAll("{id}", await id)), domain, KEY);

  it.each([
    ["http://localhost/d/{id}/mqtt", "", "/mqtt"],
    ["http://localhost:8787/d/{id}/api/v5/clients/a%2Fb?page=1", "", "/api/v5/clients/a%2Fb"],
    ["https://{id}.mqtt.example/mqtt", "mqtt.example", "/mqtt"],
    ["https://{id}.mqtt.example:8443/", "mqtt.example", "/"],
    ["https://mqtt.example/d/{id}/mqtt", "mqtt.example", "/mqtt"],
    ["https://{id}.mqtt.example/d/{id}/mqtt", "mqtt.example", "/d/{id}/mqtt"],
  ])("%s is a deployment's", async (url, domain, path) => {
    const expected = { type: "deployment", id: await id, path: path.replace("{id}", await id) };
    expect(await at(url, domain)).toEqual(expected);
  });

  it.each([
    ["http://localhost/d/{id}", ""],
    ["http://localhost/d/{id}x/mqtt", ""],
    ["http://localhost/d//mqtt", ""],
    ["http://localhost/d/a234567892345678923456789/mqtt", ""],
    ["https://x{id}.mqtt.example/mqtt", "mqtt.example"],
    ["https://{id}.{id}.mqtt.example/mqtt", "mqtt.example"],
    ["https://www.mqtt.example/", "mqtt.example"],
  ])("%s is nobody's", async (url, domain) => {
    expect(await at(url, domain)).toEqual({ type: "none" });
  });

  it.each([
    ["http://localhost/", ""],
    ["http://localhost/api/deployments", ""],
    ["http://localhost/d", ""],
    ["https://mqtt.example/health", "mqtt.example"],
    ["https://{id}.elsewhere.example/mqtt", "mqtt.example"],
    ["https://{id}mqtt.example/mqtt", "mqtt.example"],
    // Without a domain no host is a deployment's.
    ["https://{id}./mqtt", ""],
  ])("%s is the service's own", async (url, domain) => {
    expect(await at(url, domain)).toEqual({ type: "service" });
  });
});
