// EMQX's paging: `page` from 1 and `limit` in the query, `meta` beside the data.

import { z } from "@hono/zod-openapi";

export const pageQuery = z.object({
  page: z.coerce.number().int().min(1).max(1_000_000).default(1).openapi({ description: "From 1." }),
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
});

export const metaSchema = z
  .object({
    page: z.number(),
    limit: z.number(),
    count: z.number().openapi({ description: "How many there are in all." }),
    hasnext: z.boolean(),
  })
  .openapi("Meta");

/** The `meta` of an answer. */
export function metaOf(page: number, limit: number, count: number): z.infer<typeof metaSchema> {
  return { page, limit, count, hasnext: page * limit < count };
}

/** "true" or "false" in a query. */
export const booleanQuery = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .openapi({ type: "boolean" });
