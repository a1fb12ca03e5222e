// The will of a CONNECT as it goes to the session shard: checked, as a PUBLISH of 5.0, in the attach or, where it is large,
// given to the shard right before. MQTT 5.0 section 3.1.3.2 to 3.1.3.4.

import type { ConnectPacket, Will } from "../../broker/mqtt/packets.ts";
import { allowedProperties, propertyIds, readProperties } from "../../broker/mqtt/properties.ts";
import { readTrustedPublish, trustedProperties } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { writePublish } from "../../broker/mqtt/write-publish.ts";
import { withinTopicBounds } from "../../broker/topics/topic-name.ts";
import { slotOfClientId } from "../../broker/topics/slots.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { placementOf } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { AttachedWill } from "../../contracts/link.ts";
import { sessionShardObject } from "../../contracts/object-names.ts";
import type { Env } from "../../platform/env.ts";
import type { Refusal } from "./connect.ts";

/** A larger one does not go into the attach, which is a header. */
const ATTACHED_BYTES_MAX = 6 * 1_024;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null: the client has no will. Never throws. */
export async function attachWill(
  env: Env,
  deploymentId: DeploymentId,
  config: DeploymentConfig,
  clientId: string,
  { will }: ConnectPacket,
): Promise<AttachedWill | Refusal | null> {
  if (will === null) return null;
  const { topic, payload, qos, retain, properties, delayInterval } = will;
  const packet = writePublish({ topic, qos, retain, packetId: 1, properties, payload });
  const refusal = refuseWill(will, packet, config);
  if (refusal !== null) return refusal;
  if (packet.length <= ATTACHED_BYTES_MAX) return { packet: base64(packet), delayInterval };
  const index = placementOf(config).session.shardOf(slotOfClientId(clientId));
  try {
    const kept = await sessionShardObject(env.SESSION_SHARD, deploymentId, index).keepWill(packet);
    if (kept.ok && kept.value !== null) return { packet: { keptAs: kept.value }, delayInterval };
  } catch {
    // It does not answer.
  }
  return { reasonCode: reasonCodes.serverBusy, reasonString: "the will cannot be kept now" };
}

function refuseWill({ topic, payload }: Will, packet: Uint8Array, { limits: plan }: DeploymentConfig): Refusal | null {
  if (!withinTopicBounds(topic)) {
    return { reasonCode: reasonCodes.topicNameInvalid, reasonString: "a will topic too long or deep" };
  }
  if (payload.length > plan.messageBytesMax) {
    const reasonString = `a will of more than ${plan.messageBytesMax} bytes`;
    return { reasonCode: reasonCodes.packetTooLarge, reasonString };
  }
  if (!saysUtf8(packet)) return null;
  try {
    strictUtf8.decode(payload);
    return null;
  } catch {
    return { reasonCode: reasonCodes.payloadFormatInvalid, reasonString: "the will is not UTF-8" };
  }
}

/** The Payload Format Indicator of the will. */
function saysUtf8(packet: Uint8Array): boolean {
  const { propertiesOffset, payloadOffset } = readTrustedPublish(packet);
  let utf8 = false;
  const properties = trustedProperties(packet, propertiesOffset, payloadOffset);
  readProperties(properties, allowedProperties.publish, (id, value) => {
    if (id === propertyIds.payloadFormatIndicator) utf8 = value === 1;
  });
  return utf8;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
