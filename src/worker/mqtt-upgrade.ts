// The MQTT endpoint's HTTP side: a WebSocket upgrade with an MQTT subprotocol, or a clear refusal. MQTT 5.0 section 6.

import type { DeploymentId } from "../contracts/deployment-id.ts";
import type { Env } from "../platform/env.ts";
import { findConfig } from "./authenticate/authenticate.ts";
import { MqttConnection } from "./mqtt-connection/mqtt-connection.ts";
import { peerAddressOf } from "./peer-address.ts";

/** By preference. */
const subprotocols = ["mqtt", "mqttv5.0", "mqttv3.1"] as const;

/** Answers a request for a deployment's MQTT endpoint. */
export async function upgradeMqtt(
  request: Request,
  env: Env,
  context: ExecutionContext,
  deploymentId: DeploymentId,
): Promise<Response> {
  if (request.method !== "GET") return refuse(405, "The MQTT endpoint takes GET.", { Allow: "GET" });
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    return refuse(426, "This is an MQTT endpoint: connect with a WebSocket.", { Upgrade: "websocket" });
  }
  const header = request.headers.get("Sec-WebSocket-Protocol") ?? "";
  const offered = new Set(header.split(",").map((each) => each.trim()));
  const subprotocol = subprotocols.find((each) => offered.has(each));
  if (subprotocol === undefined) return refuse(400, "Offer the WebSocket subprotocol mqtt."); // [MQTT-6.0.0-3]
  const config = await findConfig(env, deploymentId).catch(() => undefined);
  if (config === undefined) return refuse(503, "The deployment does not answer: try again.", { "Retry-After": "1" });
  if (config === null) return refuse(404, "Not found.");
  const { 0: client, 1: server } = new WebSocketPair();
  const hold = (work: Promise<unknown>) => context.waitUntil(work);
  new MqttConnection(server, { env, deploymentId, config, peerAddress: peerAddressOf(request), hold }).start();
  return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": subprotocol } }); // [MQTT-6.0.0-4]
}

function refuse(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers } });
}
