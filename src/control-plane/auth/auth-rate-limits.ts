// How often one address may try to sign up and to sign in; counted in Postgres, so all isolates count together.

import type { PlanName } from "../plans.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Attempts in a window of so many seconds, per address and path. */
interface Rule {
  window: number;
  max: number;
}

const rules: Record<string, Rule> = {
  "/sign-up/email": { window: HOUR, max: 10 },
  "/sign-in/email": { window: MINUTE, max: 10 },
  "/send-verification-email": { window: HOUR, max: 5 },
  "/change-password": { window: MINUTE, max: 5 },
};

/** One's own machine is one address for all who use it: there the rules stop guessing of passwords alone. */
const LOCAL_FACTOR = 100;

/** better-auth's `rateLimit` option under the plan of new accounts. */
export function authRateLimits(plan: PlanName) {
  const factor = plan === "local" ? LOCAL_FACTOR : 1;
  const scaled = Object.entries(rules).map(([path, rule]) => [path, { ...rule, max: rule.max * factor }]);
  return {
    enabled: true,
    storage: "database" as const,
    window: 10,
    max: 100 * factor,
    customRules: Object.fromEntries(scaled) as Record<string, Rule>,
  };
}
