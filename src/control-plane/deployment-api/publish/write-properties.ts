// The properties of a message from the API as MQTT 5.0 bytes, section 3.3.2.3, without their length.

import type { PublishProperties } from "./publish-input.ts";

const PAYLOAD_FORMAT_INDICATOR = 0x01;
const MESSAGE_EXPIRY_INTERVAL = 0x02;
const CONTENT_TYPE = 0x03;
const RESPONSE_TOPIC = 0x08;
const CORRELATION_DATA = 0x09;
const USER_PROPERTY = 0x26;

const encoder = new TextEncoder();

/** Texts must have 65,535 bytes at most. */
export function writeProperties(properties: PublishProperties): Uint8Array {
  const bytes: number[] = [];
  const text = (value: string) => {
    const utf8 = encoder.encode(value);
    bytes.push(utf8.length >> 8, utf8.length & 0xff);
    for (const byte of utf8) bytes.push(byte);
  };
  const { message_expiry_interval: expiry, payload_format_indicator: format } = properties;
  if (expiry !== undefined) {
    bytes.push(MESSAGE_EXPIRY_INTERVAL, expiry >>> 24, (expiry >>> 16) & 0xff, (expiry >>> 8) & 0xff, expiry & 0xff);
  }
  if (format !== undefined) bytes.push(PAYLOAD_FORMAT_INDICATOR, format);
  const texts = [
    [CONTENT_TYPE, properties.content_type],
    [RESPONSE_TOPIC, properties.response_topic],
    [CORRELATION_DATA, properties.correlation_data],
  ] as const;
  for (const [id, value] of texts) {
    if (value === undefined) continue;
    bytes.push(id);
    text(value);
  }
  for (const [name, value] of Object.entries(properties.user_properties ?? {})) {
    bytes.push(USER_PROPERTY);
    text(name);
    text(value);
  }
  return Uint8Array.from(bytes);
}
