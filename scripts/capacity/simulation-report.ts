// The simulated part of the report: storms, and the work of messages beside what the model says of it.

import type { Month } from "./model.ts";
import type { Simulation, Storm } from "./simulation.ts";
import { count, percent, textTable } from "./text-table.ts";

export function stormsPart({ storms, attachesPerSecond }: Simulation): string {
  const lines = storms.map((storm) => [
    storm.title,
    count(storm.devices),
    secondsOf(storm.seconds99),
    secondsOf(storm.secondsAll),
    count(storm.attemptsPerSecond),
    count(storm.connectsPerSecond),
    count(storm.shardConnectsPerSecond),
    secondsOf(storm.longestQueueMs / 1_000),
    refusals(storm),
    count(storm.wakeUps),
  ]);
  const rates = ["tries/s", "connects/s", "at a shard/s"];
  const head = ["storm", "devices", "99 % back", "all back", ...rates, "queue", "refused", "wake-ups"];
  const left = storms.filter(({ secondsAll }) => secondsAll === null);
  const ends = left.map(({ title, waiting, queued }) => {
    return `Without an end: ${title}: ${count(waiting)} still try, ${count(queued)} wait their turn.`;
  });
  const verdict = ends.length === 0 ? "Every device is back, and no queue is left." : ends.join("\n");
  const bounds = `Rates are the most in a second. A session shard attaches ${count(attachesPerSecond)} a second at most.`;
  return `${textTable([head, ...lines])}\n\n${bounds} ${verdict}`;
}

/** Of each message published, from the model and from the simulation. */
export function messagesPart(month: Month, simulation: Simulation | null): string {
  const traffic = simulation?.traffic ?? null;
  if (traffic === null) return modelOf(month);
  const { messages, pings, seconds } = traffic;
  const how = `Simulated: ${count(messages)} messages and ${count(pings)} PINGREQs in ${count(seconds, 1)} s.`;
  if (messages === 0) return [modelOf(month), `${how} No object had an event of them.`].join("\n\n").trim();
  const per = (value: number) => count(value / messages, 3);
  const simulated = [
    per(traffic.edgeFrames),
    per(traffic.sessionFrames),
    per(traffic.topicFrames),
    per(traffic.sessionAnswers + traffic.topicAnswers),
    per(traffic.topicStreams + traffic.sessionStreams),
    per(traffic.rowsWritten),
    percent(traffic.sessionAwake),
    percent(traffic.topicAwake),
  ];
  const lines = linesOf(month).map((line, i) => [...line, simulated[i] ?? ""]);
  return `${textTable([["for each message", "model", "simulated"], ...lines])}\n\n${how}`;
}

function modelOf(month: Month): string {
  return month.messages === 0 ? "" : textTable([["for each message", "model"], ...linesOf(month)]);
}

function linesOf({ each, sessionAwake, topicAwake }: Month): [string, string][] {
  return [
    ["frames at the edge", count(each.edgeFrames, 3)],
    ["frames into session shards", count(each.linkFrames + each.deliveryFrames + each.outcomeFrames, 3)],
    ["frames into topic shards", count(each.topicFrames, 3)],
    ["answers", count(each.sessionAnswers + each.topicAnswers, 3)],
    ["streams opened", count(each.topicStreams + each.sessionStreams, 3)],
    ["rows written", count(each.rowsWritten, 3)],
    ["session shards awake", percent(sessionAwake)],
    ["topic shards awake", percent(topicAwake)],
  ];
}

function secondsOf(seconds: number | null): string {
  return seconds === null ? "never" : `${count(seconds, 1)} s`;
}

function refusals({ refused }: Storm): string {
  const parts = Object.entries(refused).filter(([, value]) => value > 0);
  return parts.length === 0 ? "none" : parts.map(([why, value]) => `${count(value)} ${why}`).join(", ");
}
