// POST /publish: a message from outside MQTT, answered when it is as safe as a PUBACK would say.

import { createRoute, z } from "@hono/zod-openapi";
import { reasonCodes } from "../../../broker/mqtt/reason-codes.ts";
import type { Api } from "../context.ts";
import { ApiFailure, failures } from "../http/api-failure.ts";
import { ask } from "../http/ask.ts";
import { entryShardOf } from "../http/shards.ts";
import { packetOf } from "./packet-of.ts";
import { publishBody } from "./publish-input.ts";

const route = createRoute({
  method: "post",
  path: "/publish",
  tags: ["Publish"],
  summary: "Publish a message",
  request: { body: { required: true, content: { "application/json": { schema: publishBody } } } },
  responses: {
    200: {
      description: "Every subscriber has it, or it is kept for them.",
      content: { "application/json": { schema: z.object({ id: z.string() }) } },
    },
    202: {
      description: "Nobody subscribes to its topic.",
      content: { "application/json": { schema: z.object({ reason_code: z.number(), message: z.string() }) } },
    },
    ...failures(400, 413, 415),
  },
});

export function addPublish(app: Api): void {
  app.openapi(route, async (context) => {
    const input = context.req.valid("json");
    const { limits: plan, status } = context.var.config;
    const packet = packetOf(input, plan.messageBytesMax);
    if (status === "stopped") throw new ApiFailure(503, "SERVICE_UNAVAILABLE", "The deployment is stopped.");
    const [code] = await ask(context, () => entryShardOf(context, input.topic).publish([{ packet }]));
    switch (code) {
      case reasonCodes.success:
        return context.json({ id: messageId() }, 200);
      case reasonCodes.noMatchingSubscribers:
        return context.json({ reason_code: code, message: "no_matching_subscribers" }, 202);
      case reasonCodes.quotaExceeded:
        throw new ApiFailure(429, "EXCEED_LIMIT", "quota_exceeded: the deployment's rate or room is used up.");
      default:
        throw new ApiFailure(503, "SERVICE_UNAVAILABLE", `The message was not taken (reason code ${String(code)}).`);
    }
  });
}

/** As long as EMQX's: 32 hexadecimal digits. */
function messageId(): string {
  return crypto.randomUUID().replaceAll("-", "").toUpperCase();
}
