// /clients/{clientid}: one client, its subscriptions, and its end.

import { createRoute, z } from "@hono/zod-openapi";
import type { Api } from "../context.ts";
import { ApiFailure, failures } from "../http/api-failure.ts";
import { ask } from "../http/ask.ts";
import { sessionShardOf } from "../http/shards.ts";
import { clientSchema, clientView } from "./client-view.ts";

const params = z.object({
  clientid: z.string().min(1).openapi({ description: "Percent-encoded, a slash as %2F." }),
});
const tags = ["Clients"];

const subscriptionSchema = z
  .object({
    node: z.string(),
    clientid: z.string(),
    topic: z.string(),
    qos: z.number(),
    nl: z.number().openapi({ description: "No Local." }),
    rap: z.number().openapi({ description: "Retain As Published." }),
    rh: z.number().openapi({ description: "Retain Handling." }),
  })
  .openapi("Subscription");

const getRoute = createRoute({
  method: "get",
  path: "/clients/{clientid}",
  tags,
  summary: "Get a client",
  request: { params },
  responses: {
    200: {
      description: "Connected or not, while its session is kept.",
      content: { "application/json": { schema: clientSchema } },
    },
    ...failures(404),
  },
});

const kickRoute = createRoute({
  method: "delete",
  path: "/clients/{clientid}",
  tags,
  summary: "End a client's connection and discard its session",
  request: { params },
  responses: { 204: { description: "It is gone: a 5.0 client was told 0x98." }, ...failures(404) },
});

const subscriptionsRoute = createRoute({
  method: "get",
  path: "/clients/{clientid}/subscriptions",
  tags,
  summary: "List a client's subscriptions",
  request: { params },
  responses: {
    200: {
      description: "All of them.",
      content: { "application/json": { schema: z.array(subscriptionSchema) } },
    },
    ...failures(404),
  },
});

export function addOneClient(app: Api): void {
  app.openapi(getRoute, async (context) => {
    const { clientid } = context.req.valid("param");
    const client = await ask(context, () => sessionShardOf(context, clientid).findClient(clientid));
    if (client === null) throw notFound();
    return context.json(clientView(context.env.deploymentId, client), 200);
  });

  app.openapi(kickRoute, async (context) => {
    const { clientid } = context.req.valid("param");
    const kicked = await ask(context, () => sessionShardOf(context, clientid).kickClient(clientid));
    if (!kicked) throw notFound();
    return context.body(null, 204);
  });

  app.openapi(subscriptionsRoute, async (context) => {
    const { clientid } = context.req.valid("param");
    const list = await ask(context, () => sessionShardOf(context, clientid).listSubscriptions(clientid));
    if (list === null) throw notFound();
    const subscriptions = list.map(({ topic, qos, noLocal, retainAsPublished, retainHandling }) => ({
      node: context.env.deploymentId as string,
      clientid,
      topic,
      qos,
      nl: Number(noLocal),
      rap: Number(retainAsPublished),
      rh: retainHandling,
    }));
    return context.json(subscriptions, 200);
  });
}

function notFound(): ApiFailure {
  return new ApiFailure(404, "CLIENTID_NOT_FOUND", "Client ID not found");
}
