// GET /api/deployments/{id}.

import { createRoute, z } from "@hono/zod-openapi";
import type { App } from "../context.ts";
import { errorResponses } from "../http/api-error.ts";
import { deploymentSchema, deploymentView } from "./deployment-view.ts";
import { findDeployment } from "./find-deployment.ts";
import { deploymentParams, security } from "./inputs.ts";

const answer = z.object({ deployment: deploymentSchema });

const route = createRoute({
  method: "get",
  path: "/api/deployments/{id}",
  tags: ["Deployments"],
  summary: "Read a deployment",
  security,
  request: { params: deploymentParams },
  responses: {
    200: { description: "The deployment.", content: { "application/json": { schema: answer } } },
    ...errorResponses(401, 404),
  },
});

export function addGetDeployment(app: App): void {
  app.openapi(route, async (context) => {
    const row = await findDeployment(context, context.req.valid("param").id);
    return context.json({ deployment: deploymentView(context.env, row) }, 200);
  });
}
