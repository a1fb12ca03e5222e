// A deployment as its owner wants it, and how far the data plane has followed. The row outlives the deployment, so that
// no id is ever given twice.

import { index, integer, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";
import type { DeploymentConfig } from "../../../contracts/deployment-config.ts";
import type { InitialCredentials } from "../../../contracts/rpc.ts";
import { accounts } from "./accounts.ts";

/** The part of a config that is neither the version nor the status, nor made by the Deployment object. With `growth`, `shards`
 *  are those that it grows from: the row does not learn how many it has. */
export type StoredConfig = Omit<DeploymentConfig, "v" | "version" | "status" | "serial" | "placement">;

export const deployments = pgTable(
  "deployment",
  {
    id: text("id").primaryKey(),
    accountId: text("account_id")
      .notNull()
      .references(() => accounts.id, { onDelete: "restrict" }),
    name: text("name").notNull(),
    region: text("region", { enum: ["auto", "eu", "fedramp"] }).notNull(),
    /** What the owner wants it to be. */
    status: text("status", { enum: ["running", "stopped"] }).notNull(),
    config: jsonb("config").$type<StoredConfig>().notNull(),
    /** Grows with each change of status or config. */
    configVersion: integer("config_version").notNull(),
    /** The version that every object of the deployment has; 0 before the first. */
    publishedVersion: integer("published_version").notNull(),
    /** Verifiers of the first user and API key; null once published. */
    initialCredentials: jsonb("initial_credentials").$type<InitialCredentials>(),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow(),
    /** When its owner deleted it. */
    deletedAt: timestamp("deleted_at", { withTimezone: true }),
    /** When the last of its objects was erased. */
    erasedAt: timestamp("erased_at", { withTimezone: true }),
  },
  (table) => [index("deployment_account_id_created_at").on(table.accountId, table.createdAt, table.id)],
);

export type DeploymentRow = typeof deployments.$inferSelect;
