// A CONNECT and the config that it is judged by, as far as a test cares.

import type { ConnectPacket } from "../../../src/broker/mqtt/packets.ts";
import type { BrokerSettings, DeploymentConfig } from "../../../src/contracts/deployment-config.ts";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";

export function config(settings: Partial<BrokerSettings> = {}, messageBytesMax = 1_048_576): DeploymentConfig {
  const unlimited = { sessionsMax: null, messagesPerSecond: null, subscriptionsPerClientMax: null };
  return {
    v: 1,
    version: 1,
    status: "running",
    shards: { session: 1, topic: 1 },
    limits: { ...unlimited, messageBytesMax, retainedMessagesMax: null },
    settings: { ...defaultBrokerSettings, ...settings },
  };
}

/** What a client of 5.0 says that says nothing special. */
export function connect(fields: Partial<ConnectPacket> = {}): ConnectPacket {
  return {
    type: "connect",
    protocolVersion: 5,
    clientId: "c",
    cleanStart: true,
    keepAliveSeconds: 60,
    username: "user",
    password: null,
    sessionExpiryInterval: null,
    receiveMaximum: 65_535,
    maximumPacketSize: null,
    topicAliasMaximum: 0,
    requestResponseInformation: false,
    requestProblemInformation: true,
    authenticationMethod: null,
    authenticationData: null,
    userProperties: [],
    will: null,
    ...fields,
  };
}
