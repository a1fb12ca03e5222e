// Counters of sign-ups, sign-ins and the like per address and path, shared by all isolates. better-auth's `rateLimit`.

import { bigint, index, integer, pgTable, text } from "drizzle-orm/pg-core";

export const rateLimits = pgTable(
  "rate_limit",
  {
    id: text("id").primaryKey(),
    key: text("key").notNull().unique(),
    count: integer("count").notNull(),
    /** Epoch milliseconds. */
    lastRequest: bigint("last_request", { mode: "number" }).notNull(),
  },
  (table) => [index("rate_limit_last_request").on(table.lastRequest)],
);
