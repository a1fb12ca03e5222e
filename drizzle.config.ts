// `npm run db:generate` writes the next migration from the tables in src/control-plane/db/schema.

import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./src/control-plane/db/schema/*.ts",
  out: "./migrations",
});
