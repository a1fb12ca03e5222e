// /api/deployments/{id}/api-keys: keys for a deployment's own API. The Deployment object keeps them; a secret is shown
// once, when its key is made.

import { createRoute, z } from "@hono/zod-openapi";
import type { ApiKeyInfo } from "../../contracts/principal.ts";
import type { App } from "../context.ts";
import { ApiError, errorResponses } from "../http/api-error.ts";
import { deploymentParams, nameSchema, security } from "./inputs.ts";
import { makeApiKey } from "./make-credentials.ts";
import { notReady, servingObject } from "./serving-object.ts";

const path = "/api/deployments/{id}/api-keys";
const tags = ["API keys"];

const apiKeySchema = z.object({ key: z.string(), name: z.string(), createdAt: z.iso.datetime() }).openapi("ApiKey");
const newApiKeySchema = apiKeySchema.extend({ secret: z.string() }).openapi("NewApiKey");
const body = z.object({ name: nameSchema }).strict();
const keyParams = deploymentParams.extend({ key: z.string() });

const listRoute = createRoute({
  method: "get",
  path,
  tags,
  summary: "List API keys",
  security,
  request: { params: deploymentParams },
  responses: {
    200: {
      description: "All keys, without their secrets.",
      content: { "application/json": { schema: z.object({ apiKeys: z.array(apiKeySchema) }) } },
    },
    ...errorResponses(401, 404, 409),
  },
});

const addRoute = createRoute({
  method: "post",
  path,
  tags,
  summary: "Make an API key",
  security,
  request: { params: deploymentParams, body: { required: true, content: { "application/json": { schema: body } } } },
  responses: {
    201: {
      description: "The key with its secret, which is shown this once.",
      content: { "application/json": { schema: z.object({ apiKey: newApiKeySchema }) } },
    },
    ...errorResponses(400, 401, 403, 404, 409, 413),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: `${path}/{key}`,
  tags,
  summary: "Remove an API key",
  security,
  request: { params: keyParams },
  responses: { 204: { description: "It is gone." }, ...errorResponses(401, 403, 404, 409) },
});

export function addApiKeyRoutes(app: App): void {
  app.openapi(listRoute, async (context) => {
    const { object } = await servingObject(context, context.req.valid("param").id);
    const outcome = await object.listApiKeys();
    if (!outcome.ok) throw notReady();
    return context.json({ apiKeys: outcome.value.map((info) => view(info)) }, 200);
  });

  app.openapi(addRoute, async (context) => {
    const { object } = await servingObject(context, context.req.valid("param").id);
    const { record, secret } = await makeApiKey(context.req.valid("json").name);
    const outcome = await object.addApiKey(record);
    if (outcome.ok) return context.json({ apiKey: { ...view(outcome.value), secret } }, 201);
    if (outcome.error === "limit_reached") {
      throw new ApiError(409, "limit_reached", "The deployment has as many API keys as it may have.");
    }
    throw notReady();
  });

  app.openapi(removeRoute, async (context) => {
    const { id, key } = context.req.valid("param");
    const { object } = await servingObject(context, id);
    const outcome = await object.removeApiKey(key);
    if (!outcome.ok) throw notReady();
    if (!outcome.value) throw new ApiError(404, "not_found", "There is no such API key.");
    return context.body(null, 204);
  });
}

function view({ key, name, createdAt }: ApiKeyInfo) {
  return { key, name, createdAt: new Date(createdAt).toISOString() };
}
