// Plans: what an account may have and what the data plane grants each of its deployments. Prices are not here.

import type { PlanLimits, ShardCounts } from "../contracts/deployment-config.ts";

export interface Plan {
  /** Deployments an account, those still being deleted counted; null: any number. */
  deploymentsMax: number | null;
  /** Shards that an owner may set. */
  shardsMax: ShardCounts;
  /** Up to how many a deployment grows by itself; null: it does not. */
  growthMax: ShardCounts | null;
  limits: PlanLimits;
}

export type PlanName = "free" | "local";

export const plans: Readonly<Record<PlanName, Plan>> = {
  /** A new account of the service. */
  free: {
    deploymentsMax: 3,
    // One shard has room for all the sessions of the plan.
    shardsMax: { session: 1, topic: 1 },
    growthMax: null,
    limits: {
      sessionsMax: 1_000,
      messagesPerSecond: 1_000,
      subscriptionsPerClientMax: 100,
      messageBytesMax: 1_048_576,
      retainedMessagesMax: 2_000,
    },
  },
  /** One's own machine: no counts and no rates; what bounds memory and storage stays. */
  local: {
    deploymentsMax: null,
    shardsMax: { session: 1_024, topic: 1_024 },
    growthMax: { session: 16, topic: 16 },
    limits: {
      sessionsMax: null,
      messagesPerSecond: null,
      subscriptionsPerClientMax: null,
      messageBytesMax: 1_048_576,
      retainedMessagesMax: null,
    },
  },
};
