// What happens on the links of a shard: a client attaches, its packets come, it goes. Each becomes an event of its
// session or a change of its subscriptions.

import { readPacket } from "../../broker/mqtt/control-packets.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { slotOfClientId } from "../../broker/topics/slots.ts";
import { forEachPacket } from "../../broker/mqtt/split-packets.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { changedIn, serialOf } from "../../contracts/deployment-config.ts";
import type { Attach, Refused, Stale } from "../../contracts/link.ts";
import { LINK_HEADER_BYTES, linkClose, readEdgeFrame } from "../../contracts/link.ts";
import { log } from "../../platform/log.ts";
import type { OverloadWatch } from "../../platform/overload-watch.ts";
import type { Attachable, Clients } from "./clients.ts";
import type { ClosedSlots } from "./closed-slots.ts";
import type { EffectPerformer } from "./effect-performer.ts";
import type { Link } from "./link.ts";
import type { LinkAttachment } from "./link-attachment.ts";
import type { Links } from "./links.ts";
import type { PrincipalChanges } from "./principal-changes.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { SubscribeHandler } from "./subscribe.ts";
import type { Sweep } from "./sweep.ts";
import type { Wills } from "./wills.ts";

const PUBLISH = 3;

const stopped: Refused = {
  v: 1,
  reasonCode: reasonCodes.serverUnavailable,
  reasonString: "the deployment is stopped",
};
export interface LinkEventsPorts {
  effects: Effect[];
  links: Links;
  clients: Clients;
  closed: ClosedSlots;
  principals: PrincipalChanges;
  retained: RetainedReads;
  wills: Wills;
  subscribe: SubscribeHandler;
  sweep: Sweep;
  performer: EffectPerformer;
  overload: OverloadWatch;
  config(): DeploymentConfig;
  /** Whether a slot is this shard's. */
  hasSlot(slot: number): boolean;
  now(): number;
  /** Something failed: throws, and ends the object, if that was its storage. */
  failed(error: unknown): void;
}

export class LinkEvents {
  readonly #ports: LinkEventsPorts;

  constructor(ports: LinkEventsPorts) {
    this.#ports = ports;
  }

  /** What the edge must learn before its judgement counts; null: it knows enough. */
  stale({ clientId, configVersion, principalRevision, username, will }: Attach): Stale | null {
    const { closed, hasSlot, wills, principals } = this.#ports;
    const config = this.#ports.config();
    if (configVersion < changedIn(config)) return { v: 1, config };
    const slot = slotOfClientId(clientId);
    // An edge that knows a newer config is right: this shard will learn it.
    if (!hasSlot(slot)) return configVersion < serialOf(config) ? { v: 1, config } : { v: 1, moving: true };
    if (closed.has(slot)) return { v: 1, moving: true };
    if (will !== undefined && !wills.knows(will)) return { v: 1 };
    const changed = username === null ? 0 : principals.revisionOf(username);
    return principalRevision < changed ? { v: 1 } : null;
  }

  attach(attach: Attach): Refused | Attachable {
    const { clients, performer } = this.#ports;
    const outcome = this.#ports.config().status === "running" ? clients.attach(attach) : stopped;
    if ("reasonCode" in outcome) performer.connectionsRefused += 1;
    performer.settle();
    return outcome;
  }

  connected(socket: WebSocket, attachment: LinkAttachment): void {
    const { clients, sweep, performer, retained, overload, links } = this.#ports;
    clients.connected(socket, attachment);
    overload.connections(links.count);
    sweep.arm();
    performer.settle();
    retained.advance(attachment.uid);
  }

  /** Packet ids of QoS 2 that an attached client has not released. */
  awaitingRelease({ uid }: LinkAttachment): readonly number[] {
    return this.#ports.links.byUid(uid)?.session.inbound.awaitingRelease ?? [];
  }

  /** A frame of a link. What fails here ends that client alone. */
  frame(socket: WebSocket, frame: Uint8Array): void {
    const { links, clients, performer, retained, effects, now } = this.#ports;
    this.#ports.overload.event();
    const link = links.ofSocket(socket);
    if (link === null) return;
    try {
      const at = now(); // Once: it is a call into the platform.
      const unblocked = link.received(frame);
      if (unblocked) link.session.handle({ type: "credit", available: true }, at, effects);
      forEachPacket(frame, LINK_HEADER_BYTES, (packet) => this.#packet(link, packet, at));
    } catch (error) {
      this.#ports.failed(error);
      log.error("a client's frame failed", { error: String(error) });
      clients.end(link, reasonCodes.unspecifiedError, "internal error", "internal_error");
    }
    performer.settle();
    retained.advance(link.session.uid);
  }

  /** A text frame of a link. */
  control(text: string): void {
    this.#ports.performer.dropped.add("inbound_full", readEdgeFrame(text)?.messages ?? 0);
  }

  closed(socket: WebSocket, code: number): void {
    const { links, clients, performer } = this.#ports;
    const link = links.ofSocket(socket);
    if (link === null) return;
    link.close(linkClose.ended, "");
    clients.detach(link, causeOf(code));
    performer.settle();
  }

  #packet(link: Link, bytes: Uint8Array, now: number): void {
    const { effects, performer, subscribe } = this.#ports;
    const { session } = link;
    if ((bytes[0] ?? 0) >> 4 === PUBLISH) {
      session.handle({ type: "publish", publish: readTrustedPublish(bytes) }, now, effects);
      return;
    }
    const packet = readPacket(bytes, 5, true);
    switch (packet.type) {
      case "puback":
      case "pubrec":
      case "pubrel":
      case "pubcomp":
        session.handle({ type: "acknowledgement", packet }, now, effects);
        return;
      case "subscribe":
      case "unsubscribe":
        performer.settle(); // What the client published before is on its way before the subscription changes.
        if (packet.type === "subscribe") subscribe.subscribe(link, packet);
        else subscribe.unsubscribe(link, packet);
        return;
      case "disconnect":
        link.farewell = {
          reason: packet.reasonCode === 0 ? "normal" : "closed",
          sessionExpiryInterval: packet.sessionExpiryInterval,
          discardsWill: packet.reasonCode === 0, // [MQTT-3.14.4-3]
        };
        return;
      case "connect":
      case "publish":
      case "pingreq":
      case "auth":
        throw new TypeError(`the edge sent ${packet.type}`);
      default:
        packet satisfies never;
    }
  }
}

function causeOf(code: number): string {
  switch (code) {
    case linkClose.deviceGone:
      return "closed";
    case linkClose.keepAlive:
      return "keepalive_timeout";
    case linkClose.fault:
      return "protocol_error";
    default:
      return "server_shutdown";
  }
}
