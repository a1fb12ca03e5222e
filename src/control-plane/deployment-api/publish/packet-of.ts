// A message of the API as the packet that the shards route, or the reason why it cannot be one.

import { limits } from "../../../broker/limits.ts";
import { MqttError } from "../../../broker/mqtt/mqtt-error.ts";
import { readPublish } from "../../../broker/mqtt/read-publish.ts";
import { writePublish } from "../../../broker/mqtt/write-publish.ts";
import { parseTopicName } from "../../../broker/topics/topic-name.ts";
import { ApiFailure } from "../http/api-failure.ts";
import type { PublishInput } from "./publish-input.ts";
import { writeProperties } from "./write-properties.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** At QoS above 0 a packet has an id; nobody answers to this one. */
const PACKET_ID = 1;

/** `messageBytesMax` bounds the payload. Throws an ApiFailure: 400, or 413 for what is too large. */
export function packetOf(input: PublishInput, messageBytesMax: number): Uint8Array {
  const { topic, qos, retain, properties } = input;
  if (parseTopicName(topic) === null) {
    throw badRequest(`topic_name_invalid: no wildcards, ${limits.topicBytes} bytes, ${limits.topicLevels} levels`);
  }
  const payload = payloadOf(input);
  if (payload.length > messageBytesMax) {
    throw tooLarge(`The payload has ${payload.length} bytes; the deployment's plan allows ${messageBytesMax}.`);
  }
  const bytes = writePublish({
    topic,
    qos,
    retain,
    packetId: qos === 0 ? 0 : PACKET_ID,
    properties: writeProperties(properties),
    payload,
  });
  if (bytes.length > limits.packetBytes) {
    throw tooLarge(`With its properties the message has ${bytes.length} bytes; ${limits.packetBytes} are allowed.`);
  }
  try {
    readPublish(bytes, 5);
  } catch (error) {
    if (error instanceof MqttError) throw badRequest(error.message);
    throw error;
  }
  return bytes;
}

function payloadOf({ payload, payload_encoding, properties }: PublishInput): Uint8Array {
  if (payload_encoding === "plain") {
    if (!payload.isWellFormed()) throw badRequest("payload: half a surrogate pair; send bytes as base64");
    return new TextEncoder().encode(payload);
  }
  if (!BASE64.test(payload)) throw badRequest("payload: this is not base64");
  const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
  if (properties.payload_format_indicator === 1 && !isUtf8(bytes)) {
    throw badRequest("payload: it is not the UTF-8 that payload_format_indicator 1 says it is"); // [MQTT-3.3.2-4]
  }
  return bytes;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function badRequest(message: string): ApiFailure {
  return new ApiFailure(400, "BAD_REQUEST", message);
}

function tooLarge(message: string): ApiFailure {
  return new ApiFailure(413, "EXCEED_LIMIT", message);
}
