// What a deployment is to the data plane: its versioned config, made by the control plane, held by the Deployment
// object and pushed to every shard and edge. It never holds a secret.

import { z } from "zod";
import { limits } from "../broker/limits.ts";

/** Bounds that a plan sets; `null` means that only the data plane's own limits hold. */
export const planLimitsSchema = z.object({
  sessionsMax: z.number().int().positive().nullable(),
  messagesPerSecond: z.number().positive().nullable(),
  subscriptionsPerClientMax: z.number().int().positive().nullable(),
  /** Largest PUBLISH payload, bytes. */
  messageBytesMax: z.number().int().positive(),
  retainedMessagesMax: z.number().int().positive().nullable(),
});
export type PlanLimits = z.infer<typeof planLimitsSchema>;

/** Settings of the broker that a tenant may change. Times in the unit their name ends with. */
export const brokerSettingsSchema = z.object({
  /** Longest Session Expiry Interval granted. */
  sessionExpirySecondsMax: z.number().int().min(0).max(0xffff_ffff),
  /** Session expiry of a 3.1 or 3.1.1 client without clean session. */
  sessionExpirySecondsV3: z.number().int().min(0).max(0xffff_ffff),
  queueLengthMax: z.number().int().positive(),
  queueStoreQos0: z.boolean(),
  /** Priorities of topics, 1 to 255: in a session's queue higher ones are sent first and dropped last. None: in the order of
   *  their arrival. */
  queuePriorities: z.record(z.string(), z.number().int().min(1).max(255)).default({}),
  /** Of topics that have none, where others have. */
  queueDefaultPriority: z.enum(["lowest", "highest"]).default("lowest"),
  inflightMax: z.number().int().positive().max(65_535),
  ackDeadlineMs: z.number().int().min(0).max(1_000),
  keepAliveSecondsMax: z.number().int().min(0).max(65_535),
  /** Messages of QoS 2 that a client may leave unreleased; what it publishes beyond them waits. */
  awaitingReleaseMax: z.number().int().positive().max(65_535).default(limits.awaitingReleases),
  /** How long such a message may wait; then the client is ended with 0x93. */
  awaitingReleaseSeconds: z
    .number()
    .int()
    .positive()
    .default(limits.awaitingReleaseMs / 1_000),
  /** Longest Message Expiry Interval; null: as the publisher says. */
  messageExpirySecondsMax: z.number().int().positive().nullable().default(null),
  /** What becomes of a client whose id is connected already: it takes over, is refused, or takes over from the same user
   *  alone. */
  duplicateClientId: z.enum(["take_over", "refuse", "same_user"]).default("take_over"),
  /** Response Information of a client that asks for it: `${clientid}` stands for its id; null: none. */
  responseInformation: z.string().max(1_024).nullable().default("response/${clientid}/"),
  /** Which online member of a shared subscription's group gets a message. */
  sharedStrategy: z
    .enum(["round_robin", "random", "sticky", "hash_clientid", "hash_topic", "least_inflight"])
    .default("round_robin"),
});
export type BrokerSettings = z.infer<typeof brokerSettingsSchema>;

export const deploymentConfigSchema = z.object({
  v: z.literal(1),
  /** Grows with every change; whoever holds a lower one asks for the newer. */
  version: z.number().int().positive(),
  status: z.enum(["running", "stopped"]),
  /** Number of objects of each kind; slots map to them (see broker/topics/slots). */
  shards: z.object({ session: z.number().int().min(1).max(1_024), topic: z.number().int().min(1).max(1_024) }),
  limits: planLimitsSchema,
  settings: brokerSettingsSchema,
});
export type DeploymentConfig = z.infer<typeof deploymentConfigSchema>;

export const defaultBrokerSettings: BrokerSettings = {
  sessionExpirySecondsMax: 7 * 24 * 3_600,
  sessionExpirySecondsV3: 2 * 3_600,
  queueLengthMax: limits.sessionQueueMessages,
  queueStoreQos0: true,
  queuePriorities: {},
  queueDefaultPriority: "lowest",
  inflightMax: limits.inflightMessages,
  ackDeadlineMs: limits.ackDeadlineMs,
  keepAliveSecondsMax: 65_535,
  awaitingReleaseMax: limits.awaitingReleases,
  awaitingReleaseSeconds: limits.awaitingReleaseMs / 1_000,
  messageExpirySecondsMax: null,
  duplicateClientId: "take_over",
  responseInformation: "response/${clientid}/",
  sharedStrategy: "round_robin",
};
