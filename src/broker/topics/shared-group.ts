// Which member of a shared subscription's group gets a message: one object a group, which remembers what its strategy
// needs. MQTT 5.0 section 4.8.2 leaves the choice to the server.

import { hashOf } from "./slots.ts";

/** Named as in a deployment's settings. */
export type SharedStrategy = "round_robin" | "random" | "sticky" | "hash_clientid" | "hash_topic" | "least_inflight";

export interface GroupMember {
  /** Of its session. */
  readonly uid: number;
}

/** What a choice is made for. */
export interface SharedMessage {
  readonly topic: string;
  /** As publisherOf has it; 0: no client. */
  readonly publisher: number;
}

export class SharedGroup<Member extends GroupMember> {
  readonly #load: (member: Member) => number;
  readonly #random: () => number;
  #cursor = -1;
  #sticky: number | null = null;

  /** `load`: messages that a member was given and is not done with. `random`: at least 0, below 1. */
  constructor(load: (member: Member) => number, random: () => number) {
    this.#load = load;
    this.#random = random;
  }

  /** The one of `members`, which stand in an order of their own, that gets a message; null: there is none. */
  pick(strategy: SharedStrategy, members: readonly Member[], message: SharedMessage): Member | null {
    if (members.length <= 1) return members[0] ?? null;
    switch (strategy) {
      case "round_robin":
        return this.#next(members);
      case "random":
        return this.#any(members);
      case "sticky":
        return this.#same(members);
      case "hash_clientid":
        return members[message.publisher % members.length] ?? null;
      case "hash_topic":
        return members[hashOf(message.topic) % members.length] ?? null;
      case "least_inflight":
        return this.#idlest(members);
      default:
        return strategy satisfies never;
    }
  }

  #next(members: readonly Member[]): Member | null {
    // The first turn is anyone's, so that a group that is made anew often does not favour one.
    if (this.#cursor < 0) this.#cursor = Math.floor(this.#random() * members.length);
    this.#cursor = (this.#cursor + 1) % members.length;
    return members[this.#cursor] ?? null;
  }

  #any(members: readonly Member[]): Member | null {
    return members[Math.floor(this.#random() * members.length)] ?? null;
  }

  #same(members: readonly Member[]): Member | null {
    const member = members.find(({ uid }) => uid === this.#sticky) ?? this.#any(members);
    this.#sticky = member?.uid ?? null;
    return member;
  }

  /** In turn among equals. */
  #idlest(members: readonly Member[]): Member | null {
    let least = Infinity;
    for (const member of members) least = Math.min(least, this.#load(member));
    return this.#next(members.filter((member) => this.#load(member) === least));
  }
}
