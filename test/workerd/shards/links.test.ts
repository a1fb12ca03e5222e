// What a shard sends over its links, and when: one frame for each event, but for PUBACKs that others will join.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { writeAcknowledgement } from "../../../src/broker/mqtt/acknowledgement.ts";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { forEachPacket } from "../../../src/broker/mqtt/split-packets.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import type { Effect } from "../../../src/broker/session/effects.ts";
import { noHandshakes } from "../../../src/broker/session/handshakes.ts";
import type { InboundPublish } from "../../../src/broker/session/inbound.ts";
import { inOrderOfArrival } from "../../../src/broker/session/queue-order.ts";
import { Session } from "../../../src/broker/session/session.ts";
import type { Attach } from "../../../src/contracts/link.ts";
import { LINK_HEADER_BYTES } from "../../../src/contracts/link.ts";
import { Link } from "../../../src/durable-objects/session-shard/link.ts";
import { Links } from "../../../src/durable-objects/session-shard/links.ts";
import { MemoryStore } from "../../unit/session/memory-store.ts";

const UID = 1;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A client that publishes at QoS 1, and the frames that it is sent: the types and packet ids of each. */
class Publisher {
  readonly frames: string[][] = [];
  readonly links = new Links({
    sockets: () => [],
    resume: () => {
      throw new Error("nothing sleeps here");
    },
  });
  readonly #session: Session;
  readonly #link: Link;
  readonly #underWay = new Map<number, InboundPublish>();

  constructor() {
    const store = new MemoryStore();
    this.#session = new Session({
      uid: UID,
      clientId: "c",
      store,
      state: store.state(UID, 0),
      limits: {
        inflightMax: 32,
        queueLengthMax: 1_000,
        queueBytesMax: 1e7,
        queueStoreQos0: true,
        queueOrder: inOrderOfArrival,
      },
      inboundLimits: { receiveMaximum: 100, awaitingReleaseMax: 100 },
      handshakes: noHandshakes,
    });
    const socket = { send: (frame: Uint8Array) => this.frames.push(namesOf(frame)) } as unknown as WebSocket;
    const attachment = {
      uid: UID,
      attach: { clientId: "c" } as Attach,
      connectedAt: 0,
      createdAt: 0,
      stored: false,
      sentUpTo: 0,
      cursor: undefined,
      handshakes: undefined,
    };
    this.#link = new Link(socket, attachment, this.#session, this.links.dirty, false);
    this.links.add(this.#link);
  }

  publish(...packetIds: number[]): void {
    for (const packetId of packetIds) {
      const payload = new Uint8Array();
      const bytes = writePublish({
        topic: "t",
        qos: 1,
        retain: false,
        packetId,
        properties: new Uint8Array(),
        payload,
      });
      this.#handle((effects) =>
        this.#session.handle({ type: "publish", publish: readTrustedPublish(bytes) }, 0, effects),
      );
    }
  }

  /** These have their outcome, in one event. */
  routed(...packetIds: number[]): void {
    for (const packetId of packetIds) {
      const publish = this.#underWay.get(packetId);
      if (publish !== undefined) this.#handle((effects) => publish.inbound.routed(publish, 0, effects));
    }
    this.links.flush();
  }

  send(packet: Uint8Array): void {
    this.#link.collect(packet);
    this.links.flush();
  }

  end(): void {
    this.#link.end(0x8b, "", "server_shutdown");
  }

  #handle(event: (effects: Effect[]) => void): void {
    const effects: Effect[] = [];
    event(effects);
    for (const effect of effects) {
      if (effect.type === "send") this.#link.collect(effect.packet);
      if (effect.type === "route" && effect.inbound !== null)
        this.#underWay.set(effect.inbound.packetId, effect.inbound);
    }
  }
}

function namesOf(frame: Uint8Array): string[] {
  const names: string[] = [];
  forEachPacket(frame, LINK_HEADER_BYTES, (packet) => {
    const type = (packet[0] ?? 0) >> 4;
    names.push(type === 4 ? `puback ${packet[3] ?? 0}` : `type ${type}`);
  });
  return names;
}

it("sends the PUBACK of all that a client has under way at once", () => {
  const client = new Publisher();
  client.publish(1);
  client.routed(1);
  client.publish(2, 3);
  client.routed(2, 3);
  expect(client.frames).toEqual([["puback 1"], ["puback 2", "puback 3"]]);
});

it("sends the PUBACKs of what a client has under way in one frame", () => {
  const client = new Publisher();
  client.publish(1, 2, 3, 4);
  client.routed(1, 2);
  client.routed(3);
  expect(client.frames).toEqual([]);
  client.routed(4);
  expect(client.frames).toEqual([["puback 1", "puback 2", "puback 3", "puback 4"]]);
  vi.advanceTimersByTime(limits.pubackWaitMs);
  expect(client.frames).toHaveLength(1);
});

it("lets no PUBACK wait longer than its bound", () => {
  const client = new Publisher();
  client.publish(1, 2, 3);
  client.routed(1);
  vi.advanceTimersByTime(limits.pubackWaitMs);
  expect(client.frames).toEqual([["puback 1"]]);
  client.routed(2);
  vi.advanceTimersByTime(limits.pubackWaitMs);
  client.routed(3);
  expect(client.frames).toEqual([["puback 1"], ["puback 2"], ["puback 3"]]);
});

it("sends what waits along with any other packet, before it", () => {
  const client = new Publisher();
  client.publish(1, 2);
  client.routed(1);
  client.send(writeAcknowledgement("pubcomp", 9, 0, 5));
  expect(client.frames).toEqual([["puback 1", "type 7"]]);
  client.publish(3);
  client.routed(2);
  client.end();
  expect(client.frames).toEqual([
    ["puback 1", "type 7"],
    ["puback 2", "type 14"],
  ]);
  vi.advanceTimersByTime(limits.pubackWaitMs);
  expect(client.frames).toHaveLength(2);
});
