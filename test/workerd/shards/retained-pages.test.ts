// How much of its retained messages a topic shard reads for one page: what is not sent costs as much as what is, and all
// others wait meanwhile.

import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import type { RetainedPage } from "../../../src/contracts/envelope.ts";
import type { RetainedStream } from "../../../src/durable-objects/topic-shard/retained-reads.ts";
import { RetainedReads } from "../../../src/durable-objects/topic-shard/retained-reads.ts";
import type { RetainedMessage } from "../../../src/durable-objects/topic-shard/retained-store.ts";
import { RetainedStore } from "../../../src/durable-objects/topic-shard/retained-store.ts";
import { TestDeployment } from "./link-client.ts";

const NOW = 1_000;
const EXPIRED = NOW - 1;
const [OWN, OTHER] = [1, 2];
const FILTER = "a/+";

function retained(place: number, fields: { bytes: number; publisher: number; expiresAt: number }): RetainedMessage {
  const topic = `a/${String(place).padStart(4, "0")}`;
  const { publisher, expiresAt } = fields;
  const payload = new Uint8Array(fields.bytes);
  const packet = writePublish({ topic, qos: 1, retain: true, packetId: 1, properties: new Uint8Array(), payload });
  return { topic, expiresAt, publisher, packet };
}

/** The topics of each page that a subscription with No Local gets, of so many messages as they are kept. */
async function pages(name: string, messages: readonly RetainedMessage[]): Promise<{ after: string; sent: number }[]> {
  const deployment = await TestDeployment.create(name, 1);
  return await runInDurableObject(deployment.topicShard(0) as never, (_instance, { storage }) => {
    const store = new RetainedStore(storage.sql);
    for (const message of messages) store.set(message);
    const reads = new RetainedReads(store, () => NOW);
    const made: { after: string; sent: number }[] = [];
    let sent = 0;
    let page: RetainedPage | null = null;
    const stream: RetainedStream = {
      shard: 0,
      full: false,
      retained: () => {
        sent += 1;
      },
      retainedPage: (each) => {
        made.push({ after: each.after, sent });
        page = each;
        sent = 0;
      },
    };
    const asked = { session: 7, filter: FILTER, limit: limits.retainedPageMessages, notFrom: OWN };
    reads.begin(stream, asked);
    for (let more = page as RetainedPage | null; more?.more === true; more = page) {
      reads.next(stream, { ...asked, after: more.after });
    }
    return made;
  });
}

it.each([
  ["a client's own", "pages1x", { publisher: OWN, expiresAt: 0 }],
  ["expired", "pages4x", { publisher: OTHER, expiresAt: EXPIRED }],
] as const)("a page of %s messages is no larger than one of others'", async (_, name, fields) => {
  const bytes = limits.retainedPageBytes / 2;
  const messages = Array.from({ length: 4 }, (_each, place) => retained(place, { bytes, ...fields }));
  messages.push(retained(4, { bytes, publisher: OTHER, expiresAt: 0 }));
  expect(await pages(name, messages)).toEqual([
    { after: "a/0001", sent: 0 },
    { after: "a/0003", sent: 0 },
    { after: "a/0004", sent: 1 },
  ]);
});

it.each([
  ["a client's own", "pages2x", { bytes: 1, publisher: OWN, expiresAt: 0 }],
  ["expired", "pages3x", { bytes: 1, publisher: OTHER, expiresAt: EXPIRED }],
] as const)("a page has no more %s messages than it may have of others'", async (_, name, fields) => {
  const count = limits.retainedPageMessages;
  const messages = Array.from({ length: 2 * count }, (_each, place) => retained(place, fields));
  const last = retained(2 * count, { bytes: 1, publisher: OTHER, expiresAt: 0 });
  expect(await pages(name, [...messages, last])).toEqual([
    { after: `a/${String(count - 1).padStart(4, "0")}`, sent: 0 },
    { after: `a/${String(2 * count - 1).padStart(4, "0")}`, sent: 0 },
    { after: last.topic, sent: 1 },
  ]);
});
