// What a deployment is to the data plane: its versioned config, made by the control plane, held by the Deployment
// object and pushed to every shard and edge. It never holds a secret.

import { z } from "zod";
import { limits } from "../broker/limits.ts";
import { SlotMap } from "../broker/topics/slot-map.ts";
import { SLOTS } from "../broker/topics/slots.ts";

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

const shardCount = z.number().int().min(1).max(SLOTS);

/** Number of objects of each kind. */
export const shardCountsSchema = z.object({ session: shardCount, topic: shardCount });
export type ShardCounts = z.infer<typeof shardCountsSchema>;

const slotRunsSchema = z
  .array(z.tuple([z.number().int().min(0).max(0xfffe), z.number().int().min(1).max(SLOTS)]))
  .refine((runs) => runs.reduce((sum, [, slots]) => sum + slots, 0) === SLOTS, "not all slots, or more");

/** Where slots live now (broker/topics/slot-map). */
const placementSchema = z.object({
  session: slotRunsSchema,
  topic: slotRunsSchema,
  /** Topic shards to which session shards send nothing for the moment. */
  held: z.array(z.number().int().min(0)),
  /** The move of slots that is being made; 0: none. What was done for another one is undone. */
  move: z.number().int().min(0),
});
export type PlacementConfig = z.infer<typeof placementSchema>;

export const deploymentConfigSchema = z.object({
  v: z.literal(1),
  /** Of the control plane: grows with every change that it makes. */
  version: z.number().int().positive(),
  /** Of the Deployment object: grows with every config that it issues; whoever holds a lower one asks for the newer. Absent:
   *  as `version`. */
  serial: z.number().int().positive().optional(),
  /** Serial of the config in which anything but the placement changed last; absent: this one. */
  changedIn: z.number().int().positive().optional(),
  status: z.enum(["running", "stopped"]),
  /** How many shards there shall be. */
  shards: shardCountsSchema,
  /** Up to how many the deployment grows by itself when a shard has too much to do; absent: it does not. */
  growth: shardCountsSchema.optional(),
  /** Made by the Deployment object; absent: as a deployment of so many shards begins. */
  placement: placementSchema.optional(),
  limits: planLimitsSchema,
  settings: brokerSettingsSchema,
});
export type DeploymentConfig = z.infer<typeof deploymentConfigSchema>;

/** Tells which of two configs of a deployment is newer. */
export function serialOf({ serial, version }: Pick<DeploymentConfig, "serial" | "version">): number {
  return serial ?? version;
}

/** The lowest serial of a config by which a client is judged as by this one. */
export function changedIn(config: Pick<DeploymentConfig, "changedIn" | "serial" | "version">): number {
  return config.changedIn ?? serialOf(config);
}

/** Where slots live, by a config. */
export interface Placement {
  readonly session: SlotMap;
  readonly topic: SlotMap;
  /** Topic shards to which nothing is sent for the moment. */
  readonly held: ReadonlySet<number>;
  /** The move of slots that is being made; 0: none. */
  readonly move: number;
}

const placements = new WeakMap<object, Placement>();

/** Where slots live, by this config: made once for each. */
export function placementOf(config: Pick<DeploymentConfig, "shards" | "placement">): Placement {
  const known = placements.get(config);
  if (known !== undefined) return known;
  const { shards, placement: given } = config;
  const placement: Placement =
    given === undefined
      ? { session: SlotMap.even(shards.session), topic: SlotMap.even(shards.topic), held: new Set(), move: 0 }
      : {
          session: SlotMap.of(given.session),
          topic: SlotMap.of(given.topic),
          held: new Set(given.held),
          move: given.move,
        };
  placements.set(config, placement);
  return placement;
}

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
