// What the routes of deployments take.

import { z } from "@hono/zod-openapi";

/** A name that people give: one line. */
export const nameSchema = z
  .string()
  .trim()
  .min(1)
  .max(64)
  .regex(/^\P{C}*$/u, "must not contain control characters")
  .openapi({ example: "greenhouse" });

export const deploymentParams = z.object({ id: z.string().openapi({ param: { name: "id", in: "path" } }) });

/** Either way of being signed in. */
export const security = [{ bearer: [] }, { cookie: [] }];
