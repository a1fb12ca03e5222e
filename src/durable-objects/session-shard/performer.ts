// Performs what sessions want done outside: sends to links, puts messages on their way, ends clients, counts what passes
// and what is dropped.

import { TokenBucket } from "../../broker/access/token-bucket.ts";
import type { Publish } from "../../broker/mqtt/publish.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { InboundPublish } from "../../broker/session/inbound.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { log } from "../../platform/log.ts";
import type { Clients } from "./clients.ts";
import type { Link } from "./link.ts";
import type { OutcomeAwaiter, Publishes } from "./publishes.ts";

export interface PerformerPorts {
  effects: Effect[];
  clients: Clients;
  publishes: Publishes;
  config(): DeploymentConfig;
}

export class Performer {
  readonly #ports: PerformerPorts;
  /** Of messages that enter; null: the plan has none. */
  #rate: TokenBucket | null;
  /** Since the object woke. */
  readonly counts = { received: 0, sent: 0, dropped: 0 };

  constructor(ports: PerformerPorts) {
    this.#ports = ports;
    this.#rate = rateOf(ports.config());
  }

  /** A newer config is in force. */
  configChanged(): void {
    this.#rate = rateOf(this.#ports.config());
  }

  /** Performs the effects of this event and those that they cause, then sends one frame a link. */
  settle(): void {
    const { effects, clients } = this.#ports;
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i];
      if (effect === undefined) continue;
      try {
        this.#perform(effect);
      } catch (error) {
        this.#failed(effect.session, error);
      }
    }
    effects.length = 0;
    clients.flush();
  }

  /** Ends a client: DISCONNECT with this reason, then what its end does to the session. */
  end(link: Link, reasonCode: ReasonCode, reasonString: string, reason: string): void {
    link.end(reasonCode, reasonString, reason);
    this.#ports.clients.detach(link, reason);
  }

  /** Puts a message on its way; `awaiter` is told the outcome. False: a rate or a bound forbids it, and nobody is told. */
  publish(publish: Publish, publisher: number, awaiter: OutcomeAwaiter | null): boolean {
    this.counts.received += 1;
    const now = Date.now();
    if (this.#rate !== null && !this.#rate.take(1, now)) return false;
    return this.#ports.publishes.publish(publish.topic, publish.bytes, publisher, expiryOf(publish, now), awaiter);
  }

  #perform(effect: Effect): void {
    const { clients } = this.#ports;
    switch (effect.type) {
      case "send":
        this.counts.sent += 1;
        clients.byUid(effect.session)?.collect(effect.packet);
        return;
      case "route":
        this.#route(effect.session, effect.publish, effect.inbound);
        return;
      case "end": {
        const link = clients.byUid(effect.session);
        if (link !== null) this.end(link, effect.reasonCode, effect.reasonString, "protocol_error");
        return;
      }
      case "save":
        clients.byUid(effect.session)?.save();
        return;
      case "drop":
        this.counts.dropped += 1;
        return;
      default:
        effect satisfies never;
    }
  }

  #route(session: number, publish: Publish, inbound: InboundPublish | null): void {
    const routed = (reasonCode: number) => inbound?.inbound.routed(inbound, reasonCode, this.#ports.effects);
    if (this.publish(publish, session, inbound === null ? null : { routed })) return;
    if (inbound === null) this.counts.dropped += 1;
    else routed(reasonCodes.quotaExceeded);
  }

  /** A bug of ours ends one client, not the shard. */
  #failed(session: number, error: unknown): void {
    log.error("an effect failed", { error });
    try {
      const link = this.#ports.clients.byUid(session);
      if (link !== null) this.end(link, reasonCodes.unspecifiedError, "internal error", "internal_error");
    } catch (again) {
      log.error("a client could not be ended", { error: again });
    }
  }
}

function rateOf({ limits: plan, shards }: DeploymentConfig): TokenBucket | null {
  if (plan.messagesPerSecond === null) return null;
  const share = plan.messagesPerSecond / shards.session;
  return new TokenBucket({ tokensPerSecond: share, burst: share }, Date.now());
}

/** Epoch milliseconds at which a message expires; 0: never. [MQTT-3.3.2-5] */
function expiryOf({ bytes, expiryOffset }: Publish, now: number): number {
  if (expiryOffset === 0) return 0;
  return now + 1_000 * new DataView(bytes.buffer, bytes.byteOffset).getUint32(expiryOffset);
}
