// What the platform and two peers ask, in dollars a month: list prices, without taxes, discounts or support plans. Each
// says where it stands and when it was last seen there. What is included in a plan is taken off once, as for an account
// that has nothing else.

/** When the pages below were last compared with these numbers. */
export const PRICES_AS_OF = "November 2026";

const MILLION = 1e6;
const BILLION = 1e9;

/** A kind of use: so much for each unit beyond what is included. */
export interface Price {
  included: number;
  /** Dollars for `unit`. */
  dollars: number;
  unit: number;
}

/** https://developers.cloudflare.com/workers/platform/pricing/ and
 *  https://developers.cloudflare.com/durable-objects/platform/pricing/ (Workers Paid; copies of 2026). */
export const cloudflare = {
  /** A connection is one; messages on its socket are none. */
  workerRequests: { included: 10 * MILLION, dollars: 0.3, unit: MILLION },
  workerCpuMs: { included: 30 * MILLION, dollars: 0.02, unit: MILLION },
  /** HTTP requests, a WebSocket's opening among them, RPC calls, alarms; WebSocket messages by the ratio below. */
  objectRequests: { included: MILLION, dollars: 0.15, unit: MILLION },
  /** Wall-clock time, whatever memory is used. */
  objectGbSeconds: { included: 400_000, dollars: 12.5, unit: MILLION },
  rowsRead: { included: 25 * BILLION, dollars: 0.001, unit: MILLION },
  /** Deletes and setAlarm count. */
  rowsWritten: { included: 50 * MILLION, dollars: 1, unit: MILLION },
  /** GB-months. Billed since January 2026. */
  storedGb: { included: 5, dollars: 0.2, unit: 1 },
} as const satisfies Record<string, Price>;

/** Of the plan that includes so much, dollars a month. */
export const cloudflarePlan = 5;

export const objectBilling = {
  /** Incoming WebSocket messages for one request; outgoing ones are free. */
  webSocketMessagesPerRequest: 20,
  /** 128 MB, as the page's examples have it: 1,000,000 s are 128,000 GB-s. */
  gb: 0.128,
  /** "Durable Objects that are idle and eligible for hibernation are not billed for duration, even before the runtime has
   *  hibernated them." What the automatic response answers takes no time, "and so they will not be charged". */
  idleBilledMs: 0,
} as const;

/** https://docs.emqx.com/en/cloud/latest/price/pricing.html (Serverless; copy of 2026). Its bounds:
 *  https://docs.emqx.com/en/cloud/latest/create/restriction.html. */
export const emqxServerless = {
  /** Connected clients, and persistent sessions of those that are away. */
  sessionMinutes: { included: MILLION, dollars: 2, unit: MILLION },
  /** In and out; of 1,024 ^ 3 bytes. */
  trafficGb: { included: 1, dollars: 0.15, unit: 1 },
  ruleActions: { included: MILLION, dollars: 0.25, unit: MILLION },
  /** Of a deployment, not to be had higher. */
  connectionsMax: 1_000,
  messagesPerSecondMax: 1_000,
} as const satisfies Record<string, Price | number>;

/** https://aws.amazon.com/iot-core/pricing/ (US East, N. Virginia). The page's copies leave out most prices, which a
 *  script fills in: connectivity and the first tier are in its worked examples (copy of September 2026), the further
 *  tiers last known from quotations of 2026. The free tier of an account's first year is left out. What is metered:
 *  https://aws.amazon.com/iot-core/pricing/additional-details/. */
export const awsIotCore = {
  connectionMinutes: { included: 0, dollars: 0.08, unit: MILLION },
  /** Dollars a million, up to so many messages a month. */
  messageTiers: [
    { upTo: BILLION, dollars: 1 },
    { upTo: 5 * BILLION, dollars: 0.8 },
    { upTo: Number.POSITIVE_INFINITY, dollars: 0.7 },
  ],
  /** Each begun is a message: PUBLISH both ways, CONNECT, SUBSCRIBE, and PUBACK from a device. Pings are free. */
  meteredBytes: 5 * 1_024,
  /** A rule that runs, and an action. */
  rules: { included: 0, dollars: 0.15, unit: MILLION },
  ruleActions: { included: 0, dollars: 0.15, unit: MILLION },
} as const;

/** Dollars for so much of a kind of use. */
export function dollarsFor(count: number, { included, dollars, unit }: Price): number {
  return (Math.max(0, count - included) / unit) * dollars;
}
