// Many QoS 1 messages at once, faster than a full client makes them: packets made beforehand, one WebSocket frame.

import { once } from "node:events";
import mqttPacket from "mqtt-packet";
import { WebSocket } from "ws";
import type { NewDeployment } from "../../scripts/demo/service-api.ts";

const version = { protocolVersion: 5 } as const;

/** Publishes `count` messages (at most the server's Receive Maximum) in one frame; the reason codes of their PUBACKs. */
export async function flood({ deployment, credentials }: NewDeployment, count: number): Promise<number[]> {
  const socket = new WebSocket(deployment.endpoints.mqtt, "mqtt", { perMessageDeflate: false });
  const parser = mqttPacket.parser(version);
  const codes: number[] = [];
  socket.on("message", (data) => parser.parse(data as Buffer));
  try {
    await once(socket, "open");
    await new Promise<void>((resolve, reject) => {
      socket.once("close", (code) => reject(new Error(`closed with ${code} after ${codes.length} of ${count}`)));
      parser.on("packet", (packet) => {
        if (packet.cmd === "connack") socket.send(Buffer.concat(publishes(count)));
        if (packet.cmd === "puback") codes.push(packet.reasonCode ?? 0);
        if (codes.length === count) resolve();
      });
      const { username, password } = credentials;
      const connect = {
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: 5,
        clean: true,
        clientId: "",
        keepalive: 60,
      };
      socket.send(mqttPacket.generate({ ...connect, username, password: Buffer.from(password) } as never, version));
    });
    return codes;
  } finally {
    socket.terminate();
  }
}

function publishes(count: number): Buffer[] {
  const message = { cmd: "publish", topic: "fast", payload: "x", qos: 1, retain: false, dup: false } as const;
  return Array.from({ length: count }, (_, i) => mqttPacket.generate({ ...message, messageId: i + 1 }, version));
}
