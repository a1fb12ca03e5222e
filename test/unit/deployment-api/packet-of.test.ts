import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { ApiFailure } from "../../../src/control-plane/deployment-api/http/api-failure.ts";
import { packetOf } from "../../../src/control-plane/deployment-api/publish/packet-of.ts";
import { publishBody } from "../../../src/control-plane/deployment-api/publish/publish-input.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;

/** The packet of a JSON body, read by mqtt-packet. */
function published(body: object, messageBytesMax = MIB) {
  const bytes = packetOf(publishBody.parse({ topic: "t", payload: "p", ...body }), messageBytesMax);
  const packets: unknown[] = [];
  const parser = mqttPacket.parser({ protocolVersion: 5 });
  parser.on("packet", (packet) => packets.push(packet));
  parser.parse(Buffer.from(bytes));
  expect(packets).toHaveLength(1);
  return packets[0];
}

function failureOf(body: object, messageBytesMax = MIB): { status: number; code: string; message: string } {
  try {
    packetOf(publishBody.parse({ topic: "t", payload: "p", ...body }), messageBytesMax);
  } catch (error) {
    if (error instanceof ApiFailure) return { status: error.status, code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was taken");
}

describe("what is published", () => {
  it("[MQTT-3.3.2-1] carries topic and payload, at QoS 0 and not retained by default", () => {
    expect(published({ topic: "a/b", payload: "grüße 🌊" })).toMatchObject({
      cmd: "publish",
      topic: "a/b",
      payload: Buffer.from("grüße 🌊"),
      qos: 0,
      retain: false,
      dup: false,
    });
  });

  it.each([0, 1, 2])("[MQTT-2.2.1-2] carries QoS %i, with a packet id above 0", (qos) => {
    const packet = published({ qos, retain: true }) as { messageId?: number };
    expect(packet).toMatchObject({ qos, retain: true });
    expect(packet.messageId ?? 0).toBe(qos === 0 ? 0 : 1);
  });

  it("carries bytes that are no text as base64", () => {
    const payload = Buffer.from([0, 255, 128, 1]);
    expect(published({ payload: payload.toString("base64"), payload_encoding: "base64" })).toMatchObject({ payload });
    expect(published({ payload: "", payload_encoding: "base64" })).toMatchObject({ payload: Buffer.alloc(0) });
  });

  it("[MQTT-3.3.2-17] carries every property, user properties in their order", () => {
    const properties = {
      payload_format_indicator: 1,
      message_expiry_interval: 4_294_967_295,
      response_topic: "answer/here",
      correlation_data: "id-ü",
      content_type: "application/json",
      user_properties: { zeta: "1", alpha: "2" },
    };
    expect(published({ properties })).toMatchObject({
      properties: {
        payloadFormatIndicator: true,
        messageExpiryInterval: 4_294_967_295,
        responseTopic: "answer/here",
        correlationData: Buffer.from("id-ü"),
        contentType: "application/json",
        userProperties: { zeta: "1", alpha: "2" },
      },
    });
  });

  it("may be as large as the plan allows", () => {
    expect(published({ payload: "x".repeat(100) }, 100)).toMatchObject({ payload: Buffer.from("x".repeat(100)) });
    expect(published({ payload: "ü".repeat(MIB / 2) })).toMatchObject({ qos: 0 });
  });
});

describe("what is refused", () => {
  it.each([
    ["[MQTT-4.7.3-1] an empty topic", { topic: "" }, 400, "topic_name_invalid"],
    ["[MQTT-3.3.2-2] a wildcard", { topic: "a/+/b" }, 400, "topic_name_invalid"],
    ["[MQTT-3.3.2-2] a wildcard at the end", { topic: "a/#" }, 400, "topic_name_invalid"],
    ["[MQTT-4.7.3-3] a topic that is too long", { topic: "x".repeat(4_097) }, 400, "topic_name_invalid"],
    ["a topic that is too deep", { topic: "/".repeat(128) }, 400, "topic_name_invalid"],
    ["base64 that is none", { payload: "not base64!", payload_encoding: "base64" }, 400, "base64"],
    ["base64 that is cut", { payload: "AAA", payload_encoding: "base64" }, 400, "base64"],
    ["half a surrogate pair", { payload: "\ud83d" }, 400, "surrogate"],
    ["[MQTT-3.3.2-14] a wildcard in the response topic", { properties: { response_topic: "a/#" } }, 400, "response"],
    [
      "[MQTT-3.3.2-4] bytes said to be text",
      { payload: "/w==", payload_encoding: "base64", properties: { payload_format_indicator: 1 } },
      400,
      "UTF-8",
    ],
    ["a payload over the largest packet", { payload: "x".repeat(MIB + 1) }, 413, "1048577"],
  ])("%s", (_name, body, status, message) => {
    const failure = failureOf(body);
    expect(failure).toMatchObject({ status, code: status === 413 ? "EXCEED_LIMIT" : "BAD_REQUEST" });
    expect(failure.message).toContain(message);
  });

  it("a payload over the plan's bound, counted in bytes and not in characters", () => {
    expect(failureOf({ payload: "üü" }, 3)).toMatchObject({ status: 413, code: "EXCEED_LIMIT" });
    expect(failureOf({ payload: "AAAA", payload_encoding: "base64" }, 2)).toMatchObject({ status: 413 });
  });

  it("properties that make the packet too large", () => {
    const user_properties = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, "v".repeat(60 * KIB)]));
    expect(failureOf({ properties: { user_properties } })).toMatchObject({ status: 413, code: "EXCEED_LIMIT" });
  });

  it.each([
    ["no topic", { payload: "p" }, "topic"],
    ["no payload", { topic: "t" }, "payload"],
    ["QoS 3", { topic: "t", payload: "p", qos: 3 }, "qos"],
    ["QoS as text", { topic: "t", payload: "p", qos: "1" }, "qos"],
    ["an unknown encoding", { topic: "t", payload: "p", payload_encoding: "hex" }, "payload_encoding"],
    ["a payload that is no text", { topic: "t", payload: { a: 1 } }, "payload"],
    ["retain as text", { topic: "t", payload: "p", retain: "yes" }, "retain"],
    ["[MQTT-1.5.4-2] U+0000 in the topic", { topic: "a\0b", payload: "p" }, "topic"],
    ["[MQTT-1.5.4-1] half a pair in the topic", { topic: "\udc00", payload: "p" }, "topic"],
    ["an expiry below 0", { topic: "t", payload: "p", properties: { message_expiry_interval: -1 } }, "properties"],
    [
      "an expiry of a fraction",
      { topic: "t", payload: "p", properties: { message_expiry_interval: 1.5 } },
      "properties",
    ],
    ["a format of 2", { topic: "t", payload: "p", properties: { payload_format_indicator: 2 } }, "properties"],
    [
      "a user property that is no text",
      { topic: "t", payload: "p", properties: { user_properties: { a: 1 } } },
      "properties",
    ],
    [
      "a content type that is too long",
      { topic: "t", payload: "p", properties: { content_type: "x".repeat(65_536) } },
      "properties",
    ],
  ])("%s", (_name, body, place) => {
    const parsed = publishBody.safeParse(body);
    expect(parsed.success).toBe(false);
    expect(parsed.error?.issues.map(({ path }) => path[0])).toContain(place);
  });
});
