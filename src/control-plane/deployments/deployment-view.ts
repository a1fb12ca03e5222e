// A deployment as the API shows it.

import { z } from "@hono/zod-openapi";
import type { Env } from "../../platform/env.ts";
import type { DeploymentRow } from "../db/schema/deployments.ts";
import { settingsSchema, withDefaults } from "./settings.ts";
import { shardsSchema, shardsView } from "./shards.ts";

export const deploymentSchema = z
  .object({
    id: z.string().openapi({ example: "aq7k2mzx9c4vbnw3htgypr5de" }),
    name: z.string().openapi({ example: "greenhouse" }),
    status: z.enum(["provisioning", "running", "stopped", "deleting"]).openapi({
      description:
        "`provisioning` until the last change is in force everywhere, `deleting` until the last of its data is erased.",
    }),
    region: z.enum(["auto", "eu", "fedramp"]),
    endpoints: z.object({
      mqtt: z.string().openapi({ description: "Where MQTT clients connect, over WebSocket." }),
      api: z.string().openapi({ description: "Where the deployment's own API begins." }),
    }),
    settings: settingsSchema,
    shards: shardsSchema,
    createdAt: z.iso.datetime(),
  })
  .openapi("Deployment");

/** What `deploymentSchema` describes. */
export function deploymentView(env: Env, row: DeploymentRow): z.infer<typeof deploymentSchema> {
  const { id, name, region, createdAt } = row;
  return {
    id,
    name,
    status: statusOf(row),
    region,
    endpoints: endpointsOf(env, id),
    settings: withDefaults(row.config.settings), // A row may be older than a setting.
    shards: shardsView(row.config),
    createdAt: createdAt.toISOString(),
  };
}

function statusOf(row: DeploymentRow): "provisioning" | "running" | "stopped" | "deleting" {
  if (row.deletedAt !== null) return "deleting";
  return row.publishedVersion < row.configVersion ? "provisioning" : row.status;
}

/** The host form where the service has a domain for it, else the path form, which works everywhere. */
function endpointsOf(env: Env, id: string): { mqtt: string; api: string } {
  if (env.BASE_DOMAIN !== "") {
    const host = `${id}.${env.BASE_DOMAIN}`;
    return { mqtt: `wss://${host}/mqtt`, api: `https://${host}/api/v5` };
  }
  const base = `${env.PUBLIC_URL}/d/${id}`;
  return { mqtt: `${base.replace(/^http/, "ws")}/mqtt`, api: `${base}/api/v5` };
}
