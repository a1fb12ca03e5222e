import { describe, expect, it } from "vitest";
import { alternativesOf } from "../../../scripts/capacity/alternatives.ts";
import { monthOf, SECONDS } from "../../../scripts/capacity/model.ts";
import { peersOf } from "../../../scripts/capacity/peers.ts";
import { shardsNeeded } from "../../../scripts/capacity/shards.ts";
import { optionsOf } from "./options-of.ts";

function month(line: string) {
  const options = optionsOf(line);
  return monthOf(options, shardsNeeded(options));
}

/** Batches that come alone keep a stream open for one time, further ones for another and up to 100 ms more. */
function openings(perSecond: number, alone: number, further: number): number {
  const rest = 1 - Math.exp(-perSecond * alone);
  const last = (Math.exp(-perSecond * further) - Math.exp(-perSecond * (further + 0.1))) / (perSecond * 0.1);
  return 1 / (1 + rest / last);
}

describe("a month", () => {
  it("is what one reckons by hand: 1,000 devices, a message of QoS 0 a minute to one session", () => {
    const { usage, bill, ...counts } = month("--devices 1000 --qos 0");
    const messages = 1_000 * 43_200;
    const connects = 1_000 * (30 + 8);
    // What a connection carries at most adds little: 43.2 M messages in and out and 43.2 M pings, 4.5 M a connection.
    const budget = (2 * messages + 2 * messages) / 4_500_000;
    const streams = messages * (openings(1_000 / 60, 0.2, 0.11) + openings(1_000 / 60, 0.2, 0.13));
    expect(counts.messages).toBeCloseTo(messages, 3);
    expect(counts.pings).toBe(messages);
    expect(counts.connects).toBeCloseTo(connects + budget, 6);
    expect(counts.frames).toBeCloseTo(3 * messages, 3); // To the session shard, to the topic shard, and back.
    expect(counts.answers).toBeCloseTo(messages, 3);
    expect(counts.streams).toBeCloseTo(streams, 0);
    expect(counts.sweeps).toBe(8_640);
    const objectRequests = (4 * messages) / 20 + streams + 2 * (connects + budget) + 8_640;
    expect(usage.objectRequests).toBeCloseTo(objectRequests, 0);
    expect(bill.objectRequests).toBeCloseTo(((objectRequests - 1e6) * 0.15) / 1e6, 6);
    // A publish and a delivery at the edge, a ping and a heartbeat: 44 us each. A third of 16 us a message, 580 a connect.
    const cpuMs = (messages * (4 * 44 + 16 / 3) + (connects + budget) * 580) / 1_000;
    expect(usage.workerCpuMs).toBeCloseTo(cpuMs, 0);
    expect(usage.workerRequests).toBeCloseTo(connects + budget, 6);
    expect(usage.rowsWritten).toBeCloseTo(3 * (connects + budget) + 3 * 8_640, 3);
    expect(usage.storedGb).toBeCloseTo((1_000 * 540) / 1e9, 12);
    expect(bill.total).toBeCloseTo(5 + bill.objectRequests + bill.objectGbSeconds, 6); // All else is included.
  });

  it("bills objects that never sleep for all of it", () => {
    const { usage, bill } = month("--devices 5000 --publish-per-minute 12");
    const both = 2 * 2_592_000 * 0.128;
    expect(usage.objectGbSeconds / both).toBeCloseTo(1, 3);
    expect(bill.objectGbSeconds).toBeCloseTo(((both - 400_000) * 12.5) / 1e6, 1);
  });

  it("bills an object for as long as single messages keep it awake", () => {
    // A message an hour: its session shard is held by the stream for 200 ms and by the delivery for 50, its topic shard by
    // the stream; 3 other events take a millisecond each. Without reconnects there are sweeps beside it, of 50 ms.
    const alone = "--devices 1 --reconnects-per-day 0 --deploys-per-month 0 --publish-per-minute";
    const { sessionAwake, topicAwake } = month(`${alone} 0.0166666667`);
    const sweeps = 50 / 300_000;
    expect(sessionAwake).toBeCloseTo((200 + 50 + 2) / 3_600_000 + sweeps, 7);
    expect(topicAwake).toBeCloseTo((200 + 1) / 3_600_000, 7);
  });

  it("costs next to nothing while the devices are silent", () => {
    const silent = "--publish-per-minute 0 --keep-alive 60";
    const thousand = month(`--devices 1000 ${silent}`);
    expect(thousand.bill.total).toBe(5); // The plan; all of it is included.
    const options = optionsOf(`--devices 1000000 ${silent}`);
    const million = monthOf(options, shardsNeeded(options));
    expect(million.frames + million.answers + million.streams).toBe(0);
    expect(million.sessionAwake).toBeLessThan(0.001);
    expect(million.topicAwake).toBe(0);
    expect(million.bill.total / 1_000).toBeLessThan(0.2); // Dollars for 1,000 devices.
    const [emqx, aws] = peersOf(options, million);
    expect(emqx?.total).toBeGreaterThan(400 * million.bill.total);
    expect(aws?.total).toBeGreaterThan(15 * million.bill.total);
  });

  it("does not wake objects for pings", () => {
    const often = month("--devices 1000 --publish-per-minute 0 --keep-alive 5");
    const never = month("--devices 1000 --publish-per-minute 0 --keep-alive 0");
    expect(often.pings).toBe(1_000 * 2_592_000 * 0.2);
    expect(often.wakeUps / never.wakeUps).toBeCloseTo(1, 2);
    expect(often.usage.workerCpuMs).toBeGreaterThan(never.usage.workerCpuMs);
  });

  it("counts reconnects, deploys and the end of the hours online", () => {
    const silent = "--devices 1000 --publish-per-minute 0 --keep-alive 0";
    expect(month(`${silent} --reconnects-per-day 0 --deploys-per-month 0`).connects).toBe(0);
    expect(month(`${silent} --reconnects-per-day 2 --deploys-per-month 5`).connects).toBe(65_000);
    expect(month(`${silent} --hours-online 12`).connects).toBe(1_000 * (60 + 8));
  });

  it("charges rows for what is written: late, stored, and QoS 2", () => {
    const rows = (line: string) => month(`--devices 1000 ${line}`).usage.rowsWritten;
    const base = rows("");
    const messages = 43_200_000;
    expect(rows("--late-share 0.5") - base).toBeCloseTo(0.5 * messages * 2, 0);
    expect(rows("--persistent-share 0.25") - base).toBeCloseTo(0.25 * messages * 2, 0);
    expect((rows("--qos 2") - base) / messages).toBeCloseTo(3, 2);
  });

  it("says what would change it", () => {
    const options = optionsOf("--devices 1000000");
    const shards = shardsNeeded(options);
    const { bill } = monthOf(options, shards);
    const alternatives = new Map(alternativesOf(options, shards).map(({ title, total }) => [title, total]));
    // Each object is awake for all of the time.
    const objectMonth = (SECONDS * 0.128 * 12.5) / 1e6;
    const fewer = bill.total - (alternatives.get("4 topic shards, as few as carry it") ?? 0);
    expect(fewer / objectMonth).toBeCloseTo(shards.topic - 4, 0);
    const late = alternatives.get("1 % of the deliveries acknowledged after more than 50 ms") ?? 0;
    expect(late - bill.total).toBeCloseTo(432 * 2, 0); // 432 million of them, two rows each, a dollar a million.
  });

  it("says what streams that stay open longer would change, where that is worth a word", () => {
    const title = "streams close after 1 s of silence, not 100 ms";
    const totals = (line: string) => {
      const options = optionsOf(line);
      const shards = shardsNeeded(options);
      const longer = alternativesOf(options, shards).find((each) => each.title === title);
      return { total: monthOf(options, shards).bill.total, longer: longer?.total };
    };
    // An object with 113 messages a second is never silent, one with 11 often is, and one with 2 could not sleep.
    expect(totals("--devices 1000000").longer).toBeUndefined();
    const often = totals("--devices 1000000 --publish-per-minute 0.1");
    expect(often.longer).toBeLessThan(0.6 * often.total);
    const sleeps = totals("--devices 1000000 --publish-per-minute 0.0167");
    expect(sleeps.longer).toBeGreaterThan(1.5 * sleeps.total);
  });
});
