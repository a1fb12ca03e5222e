// Tells topic shards how many messages members of shares have at hand, where they ask for it. It follows the members with
// one timer, so that an acknowledgement costs nothing.

import { LazyTimer } from "../../platform/lazy-timer.ts";

const LOOK_MS = 20;

export interface MemberLoadPorts {
  tell(topicShard: number, uid: number, turn: number, messages: number): void;
  /** Messages that a session has at hand; null: it is not connected. */
  outstanding(uid: number): number | null;
}

interface Followed {
  readonly topicShard: number;
  readonly uid: number;
  /** The last that came of that topic shard. */
  turn: number;
  toldTurn: number;
  toldMessages: number;
}

export class MemberLoads {
  readonly #ports: MemberLoadPorts;
  readonly #followed = new Map<string, Followed>();
  readonly #timer = new LazyTimer(LOOK_MS, () => this.#look());

  constructor(ports: MemberLoadPorts) {
    this.#ports = ports;
  }

  /** A message of this turn has come for a member. */
  turnTaken(topicShard: number, uid: number, turn: number): void {
    const name = `${topicShard} ${uid}`;
    const followed = this.#followed.get(name);
    if (followed === undefined) this.#followed.set(name, { topicShard, uid, turn, toldTurn: 0, toldMessages: -1 });
    else followed.turn = turn;
    this.#timer.arm();
  }

  /** True while a member has something at hand. */
  #look(): boolean {
    for (const [name, followed] of this.#followed) {
      const { topicShard, uid, turn, toldTurn, toldMessages } = followed;
      const messages = this.#ports.outstanding(uid);
      if (messages !== null && (turn !== toldTurn || messages !== toldMessages)) {
        this.#ports.tell(topicShard, uid, turn, messages);
        followed.toldTurn = turn;
        followed.toldMessages = messages;
      }
      if (messages === null || messages === 0) this.#followed.delete(name);
    }
    return this.#followed.size > 0;
  }
}
