// The same month at EMQX Serverless and at AWS IoT Core, by their list prices. Pure. What they would really take to run
// such a load, and whether they would sell it, is another question: `notes` say what stands against it.

import type { Month } from "./model.ts";
import { DAYS, SECONDS } from "./model.ts";
import type { CapacityOptions } from "./options.ts";
import { awsIotCore, dollarsFor, emqxServerless } from "./prices.ts";

export interface Peer {
  name: string;
  /** Dollars, by what they are for. */
  bill: Record<string, number>;
  total: number;
  notes: string[];
}

/** Bytes of packets beside the payload: fixed header, a topic of 32, packet id, properties' length. */
const PUBLISH_BYTES = 40;
const ACKNOWLEDGEMENT_BYTES = 4;
const PING_BYTES = 2;
const CONNECT_BYTES = 120;
const TOPIC_BYTES = 32;
const GIB = 1_024 ** 3;

export function peersOf(options: CapacityOptions, month: Month): Peer[] {
  return [emqx(options, month), aws(options, month)];
}

function emqx(options: CapacityOptions, { messages, deliveries, pings, connects }: Month): Peer {
  const online = options.hoursOnline / 24;
  // Persistent sessions are sessions while their clients are away, too.
  const minutes = options.devices * DAYS * 1_440 * (options.cleanStart ? online : 1);
  const acknowledgements = { 0: 0, 1: 1, 2: 3 }[options.qos] * (messages + deliveries);
  const bytes =
    (messages + deliveries) * (options.payloadBytes + PUBLISH_BYTES) +
    acknowledgements * ACKNOWLEDGEMENT_BYTES +
    pings * 2 * PING_BYTES +
    connects * CONNECT_BYTES;
  const bill = {
    "session minutes": dollarsFor(minutes, emqxServerless.sessionMinutes),
    traffic: dollarsFor(bytes / GIB, emqxServerless.trafficGb),
    "rule actions": dollarsFor(messages * options.ruleActions, emqxServerless.ruleActions),
  };
  const perSecond = (messages + deliveries) / SECONDS;
  const { connectionsMax, messagesPerSecondMax } = emqxServerless;
  const deployments = Math.ceil(Math.max(options.devices / connectionsMax, perSecond / messagesPerSecondMax));
  const bounds = `${count(connectionsMax)} connections and ${count(messagesPerSecondMax)} messages a second`;
  const notes = deployments > 1 ? [`a deployment has ${bounds} at most: it would take ${count(deployments)}`] : [];
  return { name: "EMQX Serverless", bill, total: sum(bill), notes };
}

function aws(options: CapacityOptions, { messages, deliveries, connects }: Month): Peer {
  const online = options.hoursOnline / 24;
  const minutes = options.devices * DAYS * 1_440 * online;
  const publish = Math.max(1, Math.ceil((options.payloadBytes + TOPIC_BYTES) / awsIotCore.meteredBytes));
  const metered =
    (messages + deliveries) * publish +
    // PUBACK of a device is a message, the service's own is none.
    (options.qos === 0 ? 0 : deliveries) +
    connects * (options.cleanStart ? 2 : 1);
  const ruled = messages * options.ruleActions;
  const bill = {
    "connection minutes": dollarsFor(minutes, awsIotCore.connectionMinutes),
    messages: tiered(metered),
    rules:
      dollarsFor(options.ruleActions > 0 ? messages : 0, awsIotCore.rules) + dollarsFor(ruled, awsIotCore.ruleActions),
  };
  const notes = options.qos === 2 ? ["it has no QoS 2: priced as QoS 1"] : [];
  return { name: "AWS IoT Core", bill, total: sum(bill), notes };
}

/** Dollars of messages, each tier at its own price. */
function tiered(messages: number): number {
  let dollars = 0;
  let below = 0;
  for (const { upTo, dollars: perMillion } of awsIotCore.messageTiers) {
    dollars += (Math.max(0, Math.min(messages, upTo) - below) / 1e6) * perMillion;
    below = upTo;
  }
  return dollars;
}

function sum(bill: Record<string, number>): number {
  return Object.values(bill).reduce((total, dollars) => total + dollars, 0);
}

function count(value: number): string {
  return value.toLocaleString("en");
}
