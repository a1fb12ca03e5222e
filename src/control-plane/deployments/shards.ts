// How many shards a deployment shall have: as the API takes and shows it, within what the plan allows. The Deployment
// object brings it about, and grows by itself where it may.

import { z } from "@hono/zod-openapi";
import { SLOTS } from "../../broker/topics/slots.ts";
import { shardCountsSchema, type ShardCounts } from "../../contracts/deployment-config.ts";
import type { StoredConfig } from "../db/schema/deployments.ts";
import { ApiError } from "../http/api-error.ts";
import type { Plan } from "../plans.ts";

const shardCount = z.number().int().min(1).max(SLOTS);
const session = shardCount.openapi({ description: "Shards that keep sessions: each takes 8,000 connections." });
const topic = shardCount.openapi({ description: "Shards that give messages to who wants them, by topic." });

const numbersSchema = z
  .object({ session: session.optional(), topic: topic.optional() })
  .strict()
  .refine((numbers) => Object.values(numbers).some((number) => number !== undefined), "nothing to change");

/** What is asked for: numbers, of which one may be left out, or growth. */
export const shardsInputSchema = z
  .union([z.literal("automatic"), numbersSchema], {
    error: 'must be "automatic", or an object with whole numbers of `session` and `topic` shards',
  })
  .openapi("ShardsInput", {
    description:
      "Numbers: so many shards, and the deployment does not grow by itself; one that is left out stays. `automatic`: it grows by itself, from the numbers that it has up to those of the plan.",
    example: { session: 4, topic: 2 },
  });
export type ShardsInput = z.infer<typeof shardsInputSchema>;

export const shardsSchema = z
  .object({
    session,
    topic,
    automatic: z.boolean().openapi({
      description:
        "Whether the deployment grows by itself; then the numbers are those that it grows from, and `/api/deployments/{id}/shards` tells how many it has.",
    }),
  })
  .openapi("Shards", { description: "How many shards the deployment shall have." });

/** What `shardsSchema` describes. */
export function shardsView({ shards, growth }: Pick<StoredConfig, "shards" | "growth">): z.infer<typeof shardsSchema> {
  return { session: shards.session, topic: shards.topic, automatic: growth !== undefined };
}

/** The shards of a new deployment. `variable` is the operator's number of each kind: with one, it grows only if that is
 *  asked for. Throws where it is none: a slip of the operator's, that must not pass for one. */
export function shardsOfNew(
  asked: ShardsInput | undefined,
  plan: Plan,
  variable = "",
): Pick<StoredConfig, "shards" | "growth"> {
  const usual = shardCountsSchema.parse({ session: Number(variable || 1), topic: Number(variable || 1) });
  if (asked === "automatic") return { shards: usual, growth: growthOf(plan) };
  if (asked === undefined) {
    return variable === "" && plan.growthMax !== null ? { shards: usual, growth: plan.growthMax } : { shards: usual };
  }
  return { shards: { session: asked.session ?? usual.session, topic: asked.topic ?? usual.topic } };
}

/** Up to how many shards a deployment of the plan grows by itself. Throws 403 if it does not. */
export function growthOf({ growthMax }: Plan): ShardCounts {
  if (growthMax === null)
    throw new ApiError(403, "quota_exceeded", "Deployments of the plan do not grow by themselves.");
  return growthMax;
}

/** Throws 403 for more than the plan allows. */
export function refuseShardsBeyondPlan(asked: ShardsInput | undefined, plan: Plan): void {
  if (asked === undefined) return;
  if (asked === "automatic") return void growthOf(plan);
  for (const kind of ["session", "topic"] as const) {
    const max = plan.shardsMax[kind];
    if ((asked[kind] ?? 1) > max) {
      const shards = max === 1 ? `${kind} shard` : `${kind} shards`;
      throw new ApiError(403, "quota_exceeded", `The plan allows ${max} ${shards} a deployment.`);
    }
  }
}
