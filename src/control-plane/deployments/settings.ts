// The broker's settings as the API takes and shows them. Its bounds are tighter than the data plane's own, which goes on
// accepting whatever was stored once.

import { z } from "@hono/zod-openapi";
import { PRIORITY_MAX } from "../../broker/session/queue-order.ts";
import { parseTopicName } from "../../broker/topics/topic-name.ts";
import type { BrokerSettings } from "../../contracts/deployment-config.ts";
import { brokerSettingsSchema, defaultBrokerSettings } from "../../contracts/deployment-config.ts";

const { duplicateClientId, sharedStrategy, queueDefaultPriority } = brokerSettingsSchema.shape;
const FOREVER = 0xffff_ffff;
/** Topics with a priority, and the bytes of them all. */
const PRIORITIES_MAX = 64;
const PRIORITY_BYTES_MAX = 4_096;

function wholeNumber(min: number, max: number) {
  return z.number().int().min(min).max(max);
}

/** Each setting by its name, without a default: what is not named stays. */
const settings = {
  sessionExpirySecondsMax: wholeNumber(0, FOREVER).openapi({
    description: "Longest Session Expiry Interval that a client gets; 4294967295: any, also for ever.",
  }),
  sessionExpirySecondsV3: wholeNumber(0, FOREVER).openapi({
    description: "How long the session of a 3.1 or 3.1.1 client without clean session outlives its connection.",
  }),
  queueLengthMax: wholeNumber(1, 10_000).openapi({
    description: "Messages that wait for a session; past it the oldest is dropped. 10 MiB bound them besides.",
  }),
  queueStoreQos0: z
    .boolean()
    .openapi({ description: "Whether QoS 0 messages wait for a session that is not connected." }),
  queuePriorities: z
    .record(
      z
        .string()
        .refine(
          (topic) => topic.isWellFormed() && parseTopicName(topic) !== null,
          "must be a topic, without wildcards",
        ),
      wholeNumber(1, PRIORITY_MAX),
    )
    .refine((table) => Object.keys(table).length <= PRIORITIES_MAX, `at most ${PRIORITIES_MAX} topics`)
    .refine(
      (table) => JSON.stringify(Object.keys(table)).length <= PRIORITY_BYTES_MAX,
      `at most ${PRIORITY_BYTES_MAX} bytes of topics`,
    )
    .openapi({
      description: "Priorities of topics: in a session's queue higher ones are sent first and dropped last.",
      example: { "plant/alarm": 255, "plant/state": 10 },
    }),
  queueDefaultPriority: z.enum(queueDefaultPriority.unwrap().options).openapi({
    description: "Where some topics have a priority: whether the others come behind all of them, or are like 255.",
  }),
  inflightMax: wholeNumber(1, 10_000).openapi({
    description: "Messages sent to a client and not acknowledged, as far as its Receive Maximum allows.",
  }),
  ackDeadlineMs: wholeNumber(0, 1_000).openapi({
    description:
      "How long a QoS 1 message may wait in memory for its acknowledgement before it is written; 0: not at all.",
  }),
  keepAliveSecondsMax: wholeNumber(10, 65_535).openapi({
    description: "Longest Keep Alive of a 5.0 client, which is told; 65535: any, also none.",
  }),
  awaitingReleaseMax: wholeNumber(1, 1_000).openapi({
    description: "QoS 2 messages that a client may leave unreleased; what it publishes beyond them waits.",
  }),
  awaitingReleaseSeconds: wholeNumber(1, 86_400).openapi({
    description: "How long they may wait; then the client is ended with 0x93.",
  }),
  messageExpirySecondsMax: wholeNumber(1, FOREVER).nullable().openapi({
    description: "Longest Message Expiry Interval, also of messages that have none; null: as the publisher says.",
  }),
  duplicateClientId: z.enum(duplicateClientId.unwrap().options).openapi({
    description:
      "What becomes of a client whose id is connected: it takes over, is refused, or takes over from its own user alone.",
  }),
  responseInformation: z
    .string()
    .min(1)
    .max(1_024)
    .regex(/^\P{C}*$/u, "must not contain control characters")
    .nullable()
    .openapi({
      description: "Response Information of a client that asks; `${clientid}` stands for its id; null: none.",
    }),
  sharedStrategy: z.enum(sharedStrategy.unwrap().options).openapi({
    description: "Which connected member of a shared subscription's group gets a message.",
  }),
} satisfies Record<keyof BrokerSettings, z.ZodType>;

export const settingsSchema = z.object(settings).openapi("Settings");

/** Some of them, or none. */
export const someSettingsSchema = settingsSchema.partial().strict().openapi("SomeSettings");

/** Some of them; at least one. */
export const settingsChangeSchema = settingsSchema
  .partial()
  .strict()
  .refine((change) => Object.keys(change).length > 0, "nothing to change")
  .openapi("SettingsChange");

/** All settings: those that are given, and the defaults of the others. */
export function withDefaults(given: z.infer<typeof someSettingsSchema>): BrokerSettings {
  return brokerSettingsSchema.parse({ ...defaultBrokerSettings, ...given });
}
