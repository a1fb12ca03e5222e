import { describe, expect, it } from "vitest";
import { monthOf } from "../../../scripts/capacity/model.ts";
import { peersOf } from "../../../scripts/capacity/peers.ts";
import { awsIotCore, cloudflare, dollarsFor, emqxServerless } from "../../../scripts/capacity/prices.ts";
import { optionsOf } from "./options-of.ts";

const SHARDS = { session: 16, topic: 16 };
const FOR_EVER = "--reconnects-per-day 0 --deploys-per-month 0 --keep-alive 0";

function peers(line: string) {
  const options = optionsOf(line);
  const [emqx, aws] = peersOf(options, monthOf(options, SHARDS));
  if (emqx === undefined || aws === undefined) throw new TypeError("there are two peers");
  return { emqx, aws };
}

describe("prices", () => {
  it("are those of Cloudflare's own examples", () => {
    // Workers, example 4: 100 M requests of 7 ms. Objects, example 3: 33,177,600 GB-s, there rounded up to millions.
    expect(dollarsFor(100e6, cloudflare.workerRequests)).toBeCloseTo(27, 9);
    expect(dollarsFor(700e6, cloudflare.workerCpuMs)).toBeCloseTo(13.4, 9);
    expect(dollarsFor(33_177_600, cloudflare.objectGbSeconds)).toBeCloseTo(409.72, 9);
    expect(dollarsFor(900_000, cloudflare.objectRequests)).toBe(0);
  });

  it("are those of EMQX's own example", () => {
    const behindTheFreeOnes = emqxServerless.sessionMinutes.included + 84_000;
    expect(dollarsFor(behindTheFreeOnes, emqxServerless.sessionMinutes)).toBeCloseTo(0.168, 9);
  });
});

describe("AWS IoT Core", () => {
  it("costs what its own example says: 100,000 devices, 325 messages a day each", () => {
    const { aws } = peers(`--devices 100000 --publish-per-minute ${325 / 1_440} --fan-out 0 --qos 0 ${FOR_EVER}`);
    expect(aws.bill["connection minutes"]).toBeCloseTo(345.6, 6);
    expect(aws.bill["messages"]).toBeCloseTo(975, 3);
    expect(aws.total).toBeCloseTo(1_320.6, 3);
  });

  it("meters a device's PUBACK, each 5 KB begun, and by tiers", () => {
    // 100,000 devices for 43,200 minutes: 4.32 billion messages each way and as many PUBACKs.
    const { aws } = peers(`--devices 100000 --payload-bytes 5100 ${FOR_EVER}`);
    const metered = 4.32e9 * (2 + 2 + 1); // 5,132 bytes with the topic are two.
    const [first, second, third] = awsIotCore.messageTiers;
    const dollars = 1_000 * first.dollars + 4_000 * second.dollars + ((metered - 5e9) / 1e6) * third.dollars;
    expect(aws.bill["messages"]).toBeCloseTo(dollars, 1);
  });

  it("is said to have no QoS 2", () => {
    expect(peers("--devices 10 --qos 2").aws.notes).toEqual(["it has no QoS 2: priced as QoS 1"]);
    expect(peers("--devices 10").aws.notes).toEqual([]);
  });
});

describe("EMQX Serverless", () => {
  it("bills minutes, traffic and rule actions beyond what is free", () => {
    const { emqx } = peers(`--devices 1000 --payload-bytes 984 --rule-actions 2 --qos 0 ${FOR_EVER}`);
    expect(emqx.bill["session minutes"]).toBeCloseTo(((43_200_000 - 1e6) * 2) / 1e6, 6);
    expect(emqx.bill["traffic"]).toBeCloseTo(((43_200_000 * 2 * 1_024) / 1_024 ** 3 - 1) * 0.15, 6);
    expect(emqx.bill["rule actions"]).toBeCloseTo(((86_400_000 - 1e6) * 0.25) / 1e6, 6);
    expect(emqx.notes).toEqual([]);
  });

  it("bills persistent sessions of devices that are away", () => {
    const away = `--devices 1000 --hours-online 6 --publish-per-minute 0 ${FOR_EVER}`;
    expect(peers(away).emqx.bill["session minutes"]).toBeCloseTo(84.4, 6);
    expect(peers(`${away} --clean-start`).emqx.bill["session minutes"]).toBeCloseTo(19.6, 6);
  });

  it("takes so many connections and messages a deployment", () => {
    const bounds = "a deployment has 1,000 connections and 1,000 messages a second at most";
    expect(peers("--devices 1000000").emqx.notes).toEqual([`${bounds}: it would take 1,000`]);
    expect(peers("--devices 1000 --publish-per-minute 60 --fan-out 3").emqx.notes).toEqual([
      `${bounds}: it would take 4`,
    ]);
  });
});
