// An account: whoever signed up and owns deployments. better-auth calls it `user`.

import { boolean, pgTable, text, timestamp } from "drizzle-orm/pg-core";

export const accounts = pgTable("account", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  email: text("email").notNull().unique(),
  emailVerified: boolean("email_verified").notNull().default(false),
  image: text("image"),
  /** Name of a plan in plans.ts, set at sign-up and never by the person. */
  plan: text("plan", { enum: ["free", "local"] }).notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow(),
});
