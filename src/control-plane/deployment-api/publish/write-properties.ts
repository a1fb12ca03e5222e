// The properties of a message from the API as MQTT 5.0 bytes, section 3.3.2.3, without their length.

import { propertyIds } from "../../../broker/mqtt/properties.ts";
import type { PublishProperties } from "./publish-input.ts";

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
    bytes.push(
      propertyIds.messageExpiryInterval,
      expiry >>> 24,
      (expiry >>> 16) & 0xff,
      (expiry >>> 8) & 0xff,
      expiry & 0xff,
    );
  }
  if (format !== undefined) bytes.push(propertyIds.payloadFormatIndicator, format);
  const texts = [
    [propertyIds.contentType, properties.content_type],
    [propertyIds.responseTopic, properties.response_topic],
    [propertyIds.correlationData, properties.correlation_data],
  ] as const;
  for (const [id, value] of texts) {
    if (value === undefined) continue;
    bytes.push(id);
    text(value);
  }
  for (const [name, value] of Object.entries(properties.user_properties ?? {})) {
    bytes.push(propertyIds.userProperty);
    text(name);
    text(value);
  }
  return Uint8Array.from(bytes);
}
