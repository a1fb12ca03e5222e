// This shard's part in shared subscriptions: tells the topic shards which of its sessions are members of a share and
// connected, and gives back to the group what a member will not get. What a session has of a share is the group's until
// it is acknowledged, or begun at QoS 2.

import type { Message } from "../../broker/session/message.ts";
import { memberName, parseMemberName } from "../../broker/topics/share.ts";
import type { Links } from "./links.ts";
import type { Outbox } from "./outbox.ts";
import type { Routes } from "./routes.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { WriteBehindStore } from "./write-behind-store.ts";

export interface SharesPorts {
  links: Links;
  outbox: Outbox;
  routes: Routes;
  store: WriteBehindStore;
  subscriptions: Subscriptions;
}

export class Shares {
  readonly #ports: SharesPorts;

  constructor(ports: SharesPorts) {
    this.#ports = ports;
  }

  /** A session's client has come or gone: its groups are told. */
  tell(uid: number): void {
    const { routes, subscriptions } = this.#ports;
    for (const share of subscriptions.shares(uid)) routes.refresh(memberName(share, uid));
  }

  /** Another member is to get this message. The word that this one is not there goes before it, or it would come back. The
   *  outbox must be committed in this event. */
  giveBack(uid: number, share: string, { publish, publisher, expiresAt }: Message): void {
    const { routes, outbox, store } = this.#ports;
    routes.refresh(memberName(share, uid));
    store.commit(); // It is in one of both places after any crash.
    outbox.giveBack(share, { topic: publish.topic, publisher, expiresAt, packet: publish.bytes });
  }

  /** A session lost its connection with the object's memory. At QoS 2 what was sent, up to number `sentUpTo`, may have been
   *  begun, and stays. [MQTT-4.8.2-4] */
  lost(uid: number, sentUpTo: number): void {
    const { store, outbox } = this.#ports;
    this.tell(uid);
    let found = false;
    for (const { n, qos, share, message } of store.readShared(uid)) {
      if (qos === 2 && n <= sentUpTo) continue;
      store.remove(uid, n);
      this.giveBack(uid, share, message);
      found = true;
    }
    if (!found) return;
    store.commit();
    outbox.commit();
  }

  /** What a member is: connected, or waiting for its client, or none any more. */
  stateOf(name: string): "online" | "offline" | "gone" {
    const { links, subscriptions } = this.#ports;
    const member = parseMemberName(name);
    if (member === null || subscriptions.find(member.uid, member.share) === null) return "gone";
    return links.byUid(member.uid) === null ? "offline" : "online";
  }
}
