// What POST /publish takes, in EMQX's names.

import { z } from "@hono/zod-openapi";

/** UTF-8 strings of MQTT hold neither half a surrogate pair nor U+0000. [MQTT-1.5.4-1] [MQTT-1.5.4-2] */
const mqttText = z
  .string()
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed UTF-8 without U+0000")
  .refine((text) => new TextEncoder().encode(text).length <= 65_535, "must have 65,535 bytes at most");

const USER_PROPERTIES_MAX = 100;

const propertiesSchema = z
  .object({
    payload_format_indicator: z.union([z.literal(0), z.literal(1)]),
    message_expiry_interval: z.number().int().min(0).max(0xffff_ffff).openapi({ description: "Seconds." }),
    response_topic: mqttText,
    correlation_data: mqttText,
    content_type: mqttText,
    user_properties: z
      .record(mqttText, mqttText)
      .refine(
        (pairs) => Object.keys(pairs).length <= USER_PROPERTIES_MAX,
        `must have ${USER_PROPERTIES_MAX} entries at most`,
      ),
  })
  .partial()
  .openapi("PublishProperties");

export const publishBody = z
  .object({
    topic: mqttText,
    payload: z.string().openapi({ description: "Text, or base64 as `payload_encoding` says." }),
    payload_encoding: z.enum(["plain", "base64"]).default("plain"),
    qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(0),
    retain: z.boolean().default(false),
    properties: propertiesSchema.default({}),
  })
  .openapi("Publish");

export type PublishInput = z.infer<typeof publishBody>;
export type PublishProperties = PublishInput["properties"];
