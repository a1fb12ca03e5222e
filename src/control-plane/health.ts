// GET /health: whether the parts that the service rests on answer. Anyone may ask, so the answer is kept a second.

import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { App, RequestContext } from "./context.ts";
import { within } from "./within.ts";

const KEPT_MS = 1_000;
const PART_TIMEOUT_MS = 5_000;

type Part = "database" | "broker";
let kept: { failing: Part[]; at: number } | null = null;

const okSchema = z.object({ status: z.literal("ok") });
const failingSchema = z.object({
  status: z.literal("unavailable"),
  failing: z.array(z.enum(["database", "broker"])),
});

const route = createRoute({
  method: "get",
  path: "/health",
  tags: ["Service"],
  summary: "Whether the service is well",
  responses: {
    200: { description: "Database and broker answer.", content: { "application/json": { schema: okSchema } } },
    503: { description: "What fails is named.", content: { "application/json": { schema: failingSchema } } },
  },
});

export function addHealth(app: App): void {
  app.openapi(route, async (context) => {
    const failing = await failingParts(context);
    if (failing.length === 0) return context.json({ status: "ok" as const }, 200);
    return context.json({ status: "unavailable" as const, failing }, 503);
  });
}

async function failingParts(context: RequestContext): Promise<Part[]> {
  const now = Date.now();
  if (kept !== null && now - kept.at < KEPT_MS) return kept.failing;
  const [database, broker] = await Promise.all([
    answers(() => context.var.database.execute(sql`SELECT 1`)),
    answers(() => context.env.DEPLOYMENT.getByName("health").ping()),
  ]);
  const failing: Part[] = [];
  if (!database) failing.push("database");
  if (!broker) failing.push("broker");
  kept = { failing, at: now };
  return failing;
}

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await within(PART_TIMEOUT_MS, ask());
    return true;
  } catch {
    return false;
  }
}
