// A change of what the data plane is told, as columns of the row. Made in SQL from the row as it is then, so that of
// changes at the same time none is lost.

import { sql, type SQL } from "drizzle-orm";
import type { z } from "@hono/zod-openapi";
import type { ShardCounts } from "../../contracts/deployment-config.ts";
import { deployments, type DeploymentRow } from "../db/schema/deployments.ts";
import type { settingsChangeSchema } from "./settings.ts";
import type { ShardsInput } from "./shards.ts";

/** Shards by number or by growth. `grown`: how many it has by now if it grew by itself; what is not named stays so. */
export type ShardsChange =
  { growth: ShardCounts } | { numbers: Exclude<ShardsInput, "automatic">; grown: ShardCounts | null };

export interface ConfigChange {
  status: DeploymentRow["status"] | undefined;
  settings: z.infer<typeof settingsChangeSchema> | undefined;
  shards: ShardsChange | undefined;
}

/** The columns: with the next version, or with the same if nothing changes. */
export function configChange({ status, settings, shards }: ConfigChange) {
  const columns: SQL[] = [];
  const set: { status?: DeploymentRow["status"]; config?: SQL } = {};
  if (status !== undefined) {
    set.status = status;
    columns.push(sql`${deployments.status} = ${status}`);
  }
  if (settings !== undefined || shards !== undefined) {
    let config = sql`${deployments.config}`;
    if (settings !== undefined) config = withSettings(config, settings);
    if (shards !== undefined) config = withShards(config, shards);
    set.config = config;
    columns.push(sql`${deployments.config} = ${config}`);
  }
  if (columns.length === 0) return {};
  const same = sql.join(columns, sql` AND `);
  const version = deployments.configVersion;
  return { ...set, configVersion: sql`CASE WHEN ${same} THEN ${version} ELSE ${version} + 1 END` };
}

function withSettings(config: SQL, settings: object): SQL {
  return sql`jsonb_set(${config}, '{settings}', (${deployments.config} -> 'settings') || ${json(settings)})`;
}

function withShards(config: SQL, change: ShardsChange): SQL {
  if ("growth" in change) return sql`jsonb_set(${config}, '{growth}', ${json(change.growth)})`;
  const before = sql`(${deployments.config} -> 'shards')`;
  const { numbers, grown } = change;
  // The row has the numbers from which it grew; to stay with those would be to shrink.
  const stays = grown === null ? before : sql`(${before} || ${larger(before, grown)})`;
  return sql`jsonb_set(${config}, '{shards}', ${stays} || ${json(numbers)}) - 'growth'`;
}

/** Of each kind the larger number, where the row lets it grow by itself. */
function larger(before: SQL, grown: ShardCounts): SQL {
  const of = (kind: keyof ShardCounts) =>
    sql`'${sql.raw(kind)}', GREATEST((${before} ->> '${sql.raw(kind)}')::int, ${grown[kind]}::int)`;
  const numbers = sql`jsonb_build_object(${of("session")}, ${of("topic")})`;
  return sql`CASE WHEN ${deployments.config} -> 'growth' IS NULL THEN ${before} ELSE ${numbers} END`;
}

function json(value: object): SQL {
  return sql`${JSON.stringify(value)}::jsonb`;
}
