// A client in EMQX's names. `node` is the deployment's id; what Fulmar does not keep is left out.

import { z } from "@hono/zod-openapi";
import type { ClientInfo } from "../../../contracts/rpc.ts";

export const clientSchema = z
  .object({
    node: z.string(),
    clientid: z.string(),
    username: z.string().nullable(),
    proto_name: z.string(),
    proto_ver: z.number(),
    ip_address: z.string(),
    connected: z.boolean(),
    connected_at: z.iso.datetime().optional(),
    disconnected_at: z.iso.datetime().optional(),
    disconnect_reason: z.string().optional().openapi({ description: "Why the last connection ended." }),
    created_at: z.iso.datetime(),
    clean_start: z.boolean(),
    keepalive: z.number().openapi({ description: "Seconds." }),
    expiry_interval: z.number().openapi({ description: "Seconds that the session outlives its connection." }),
    subscriptions_cnt: z.number(),
    inflight_cnt: z.number(),
    inflight_max: z.number(),
    mqueue_len: z.number(),
    mqueue_max: z.number(),
    mqueue_dropped: z.number(),
    is_bridge: z.boolean(),
  })
  .openapi("Client");

export function clientView(deploymentId: string, client: ClientInfo): z.infer<typeof clientSchema> {
  const { connectedAt, disconnectedAt, disconnectReason } = client;
  return {
    node: deploymentId,
    clientid: client.clientId,
    username: client.username,
    proto_name: client.protocolVersion === 3 ? "MQIsdp" : "MQTT",
    proto_ver: client.protocolVersion,
    ip_address: client.peerAddress,
    connected: client.connected,
    ...(connectedAt === null ? {} : { connected_at: time(connectedAt) }),
    ...(disconnectedAt === null ? {} : { disconnected_at: time(disconnectedAt) }),
    ...(disconnectReason === null ? {} : { disconnect_reason: disconnectReason }),
    created_at: time(client.createdAt),
    clean_start: client.cleanStart,
    keepalive: client.keepAliveSeconds,
    expiry_interval: client.sessionExpiryInterval,
    subscriptions_cnt: client.subscriptions,
    inflight_cnt: client.inflight,
    inflight_max: client.inflightMax,
    mqueue_len: client.queueLength,
    mqueue_max: client.queueLengthMax,
    mqueue_dropped: client.queueDropped,
    is_bridge: false,
  };
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
