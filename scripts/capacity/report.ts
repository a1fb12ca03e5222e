// The report in words and tables: what it takes, what it costs, beside peers, and what happens when all connect at once.

import { limits } from "../../src/broker/limits.ts";
import type { Alternative } from "./alternatives.ts";
import { assumptions } from "./assumptions.ts";
import { DAYS, type Month } from "./model.ts";
import type { CapacityOptions } from "./options.ts";
import type { Peer } from "./peers.ts";
import { cloudflare, objectBilling, PRICES_AS_OF } from "./prices.ts";
import type { Fullness } from "./shards.ts";
import { messagesPart, stormsPart } from "./simulation-report.ts";
import type { Simulation } from "./simulation.ts";
import { count, dollars, millions, percent, plural, textTable } from "./text-table.ts";

export interface Capacity {
  options: CapacityOptions;
  month: Month;
  fullness: Fullness;
  /** Null: nothing is. */
  tooFull: string | null;
  peers: Peer[];
  alternatives: Alternative[];
  /** Null: it was not wanted. */
  simulation: Simulation | null;
}

export function reportOf(capacity: Capacity): string {
  const { simulation } = capacity;
  const parts = [
    heading(capacity.options),
    shardsPart(capacity),
    messagesPart(capacity.month, simulation),
    billPart(capacity.month),
    peersPart(capacity),
    alternativesPart(capacity.alternatives),
    ...(simulation === null ? [] : [stormsPart(simulation)]),
    `Assumptions\n\n${assumptions.map((line) => `- ${line}`).join("\n")}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function heading(options: CapacityOptions): string {
  const { devices, keepAliveSeconds, publishPerMinute, fanOut, qos, payloadBytes, hoursOnline } = options;
  const pings =
    keepAliveSeconds === 0 ? "sends no PINGREQ" : `sends a PINGREQ every ${plural(keepAliveSeconds, "second")}`;
  const message = `${plural(publishPerMinute, "message")} a minute of ${plural(payloadBytes, "byte")} at QoS ${qos}`;
  const sessions = options.cleanStart ? "Sessions end with their connections" : "Sessions are persistent";
  return [
    `${plural(devices, "device")}, ${DAYS} days, list prices of ${PRICES_AS_OF}`,
    "",
    `Each is online for ${plural(hoursOnline, "hour")} a day, ${pings} and publishes`,
    `${message}, each to ${plural(fanOut, "session")}; ${percent(options.persistentShare)} of that to sessions that are away.`,
    `${sessions}; ${plural(options.reconnectsPerDay, "reconnect")} a day, ${plural(options.deploysPerMonth, "deploy")} a month.`,
  ].join("\n");
}

function shardsPart({ month, fullness, tooFull }: Capacity): string {
  const { shards, sessionAwake, topicAwake, wakeUps } = month;
  const links = `${count(fullness.links)} of ${count(limits.connectionsPerShard)}`;
  const table = textTable([
    ["shards", "number", "links of the largest", "of a core", "streams opened a second", "awake"],
    [
      "session shards",
      count(shards.session),
      links,
      percent(fullness.sessionCore),
      count(fullness.sessionOpenings, 1),
      percent(sessionAwake),
    ],
    [
      "topic shards",
      count(shards.topic),
      "",
      percent(fullness.topicCore),
      count(fullness.topicOpenings, 1),
      percent(topicAwake),
    ],
  ]);
  const wakes = `In a month objects wake from hibernation ${count(wakeUps)} times.`;
  return [table, wakes, ...(tooFull === null ? [] : [`This does not hold: ${tooFull}.`])].join("\n\n");
}

function billPart({ usage, bill, streams, sweeps, frames, answers }: Month): string {
  const line = (title: string, name: keyof typeof usage) => [
    title,
    millions(usage[name]),
    millions(cloudflare[name].included),
    dollars(bill[name]),
  ];
  const twentieth = (frames + answers) / objectBilling.webSocketMessagesPerRequest;
  const part = (title: string, value: number) => [`  of them ${title}`, millions(value), "", ""];
  return textTable([
    ["a month", "", "included", "dollars"],
    line("Worker requests (connects)", "workerRequests"),
    line("Worker CPU, ms", "workerCpuMs"),
    line("object requests", "objectRequests"),
    part("openings of streams", streams),
    part("frames and answers, a twentieth each", twentieth),
    part("attaches and look-ups", usage.objectRequests - streams - twentieth - sweeps),
    part("sweeps", sweeps),
    line("object duration, GB-s", "objectGbSeconds"),
    line("rows written", "rowsWritten"),
    line("rows read", "rowsRead"),
    line("stored, GB", "storedGb"),
    ["the plan", "", "", dollars(bill.plan)],
    ["total", "", "", dollars(bill.total)],
  ]);
}

function peersPart({ month, peers, options }: Capacity): string {
  const line = (name: string, bill: string, total: number) => {
    const times = name === "Fulmar" ? "" : `${count(total / month.bill.total, 1)} x`;
    return [name, bill, dollars(total), dollars((1_000 * total) / options.devices), times];
  };
  const lines = peers.map(({ name, bill, total }) => {
    const parts = Object.entries(bill).filter(([, value]) => value > 0);
    return line(name, parts.map(([what, value]) => `${what} ${dollars(value)}`).join(", "), total);
  });
  const head = ["service", "for", "a month", "1,000 devices", "of Fulmar"];
  const table = textTable([head, line("Fulmar", "as above", month.bill.total), ...lines], 2);
  const notes = peers.flatMap((peer) => peer.notes.map((note) => `${peer.name}: ${note}.`));
  return [table, ...notes].join("\n\n");
}

function alternativesPart(alternatives: Alternative[]): string {
  if (alternatives.length === 0) return "";
  return textTable([
    ["if it were otherwise", "a month"],
    ...alternatives.map(({ title, total }) => [title, dollars(total)]),
  ]);
}
