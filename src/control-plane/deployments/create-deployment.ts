// POST /api/deployments: a deployment with its first user and API key, ready to be used.

import { createRoute, z } from "@hono/zod-openapi";
import { and, count, eq, isNull } from "drizzle-orm";
import { makeDeploymentId, type Region } from "../../contracts/deployment-id.ts";
import type { App, RequestContext } from "../context.ts";
import { accounts } from "../db/schema/accounts.ts";
import { deployments, type DeploymentRow } from "../db/schema/deployments.ts";
import { ApiError, errorResponses } from "../http/api-error.ts";
import { plans } from "../plans.ts";
import { completeStep } from "./complete-step.ts";
import { deploymentSchema, deploymentView } from "./deployment-view.ts";
import { nameSchema, security } from "./inputs.ts";
import { makeInitialCredentials } from "./make-credentials.ts";
import { someSettingsSchema, withDefaults } from "./settings.ts";
import { refuseShardsBeyondPlan, shardsInputSchema, shardsOfNew } from "./shards.ts";

const body = z
  .object({
    name: nameSchema,
    region: z.enum(["auto", "eu", "fedramp"]).default("auto"),
    settings: someSettingsSchema.optional(),
    shards: shardsInputSchema.optional(),
  })
  .strict();

const answer = z
  .object({
    deployment: deploymentSchema,
    credentials: z
      .object({ username: z.string(), password: z.string() })
      .openapi({ description: "Of the first user, for devices. Shown this once." }),
    apiKey: z
      .object({ key: z.string(), secret: z.string() })
      .openapi({ description: "For the deployment's own API. Shown this once." }),
  })
  .openapi("NewDeployment");

const route = createRoute({
  method: "post",
  path: "/api/deployments",
  tags: ["Deployments"],
  summary: "Create a deployment",
  security,
  request: { body: { required: true, content: { "application/json": { schema: body } } } },
  responses: {
    201: { description: "It runs.", content: { "application/json": { schema: answer } } },
    202: {
      description: "It is made but not everywhere in force yet: read it until its status is `running`.",
      content: { "application/json": { schema: answer } },
    },
    ...errorResponses(400, 401, 403, 413),
  },
});

export function addCreateDeployment(app: App): void {
  app.openapi(route, async (context) => {
    const { name, region, settings = {}, shards } = context.req.valid("json");
    const plan = plans[context.var.account.plan];
    refuseMissingRegion(context, region);
    refuseShardsBeyondPlan(shards, plan);
    await refuseBeyondQuota(context.var.database, context.var.account); // Before anything slow is done.
    const id = await makeDeploymentId(region, context.env.DEPLOYMENT_ID_KEY, randomBytes);
    const made = await makeInitialCredentials();
    const row = await insertWithinQuota(context, {
      id,
      accountId: context.var.account.id,
      name,
      region,
      status: "running",
      config: {
        ...shardsOfNew(shards, plan, context.env.DEPLOYMENT_SHARDS),
        limits: plan.limits,
        settings: withDefaults(settings),
      },
      configVersion: 1,
      publishedVersion: 0,
      initialCredentials: made.initial,
    });
    const deployment = deploymentView(context.env, (await completeStep(context, row)) ?? row);
    const { credentials, apiKey } = made;
    return context.json({ deployment, credentials, apiKey }, deployment.status === "running" ? 201 : 202);
  });
}

/** Jurisdictions are Cloudflare's; elsewhere there is one place only, and objects bound to another never answer. */
function refuseMissingRegion(context: RequestContext, region: Region): void {
  if (region === "auto") return;
  try {
    context.env.DEPLOYMENT.jurisdiction(region);
  } catch {
    throw new ApiError(400, "region_unavailable", `This service has no region \`${region}\`.`);
  }
}

/** Counts and inserts with the account's row locked, so that requests at the same time cannot pass the quota together. */
async function insertWithinQuota(
  context: RequestContext,
  values: typeof deployments.$inferInsert,
): Promise<DeploymentRow> {
  const { account, database } = context.var;
  return await database.transaction(async (transaction) => {
    await transaction.select({ id: accounts.id }).from(accounts).where(eq(accounts.id, account.id)).for("update");
    await refuseBeyondQuota(transaction, account);
    const [row] = await transaction.insert(deployments).values(values).returning();
    if (row === undefined) throw new Error("the insert returned no row");
    return row;
  });
}

async function refuseBeyondQuota(
  database: Pick<RequestContext["var"]["database"], "select">,
  account: RequestContext["var"]["account"],
): Promise<void> {
  const { deploymentsMax } = plans[account.plan];
  if (deploymentsMax === null) return;
  const owned = and(eq(deployments.accountId, account.id), isNull(deployments.erasedAt));
  const [counted] = await database.select({ count: count() }).from(deployments).where(owned);
  if (counted === undefined || counted.count >= deploymentsMax) {
    throw new ApiError(403, "quota_exceeded", `The plan allows ${deploymentsMax} deployments an account.`);
  }
}

function randomBytes(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}
