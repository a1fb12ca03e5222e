// Plans: what an account may have and what the data plane grants each of its deployments. Prices are not here.

import type { PlanLimits } from "../contracts/deployment-config.ts";

export interface Plan {
  /** Deployments an account, those still being deleted counted; null: any number. */
  deploymentsMax: number | null;
  limits: PlanLimits;
}

export type PlanName = "free" | "local";

export const plans: Readonly<Record<PlanName, Plan>> = {
  /** A new account of the service. */
  free: {
    deploymentsMax: 3,
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
    limits: {
      sessionsMax: null,
      messagesPerSecond: null,
      subscriptionsPerClientMax: null,
      messageBytesMax: 1_048_576,
      retainedMessagesMax: null,
    },
  },
};
