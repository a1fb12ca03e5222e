// How many messages members of shares have at hand, as far as is known here: what their session shards told last, and
// what was given since. A session's load is the same in all its groups.

interface Load {
  /** Messages that it was given. */
  given: number;
  /** Messages at hand, of those up to a turn. */
  atHand: number;
  atTurn: number;
}

export class MemberLoads {
  /** By uid. */
  readonly #loads = new Map<number, Load>();

  /** Counts a message that a member is given. Returns its turn. */
  given(uid: number): number {
    let load = this.#loads.get(uid);
    if (load === undefined) {
      load = { given: 0, atHand: 0, atTurn: 0 };
      this.#loads.set(uid, load);
    }
    load.given += 1;
    return load.given;
  }

  /** A session shard told what a member has at hand. */
  told(uid: number, turn: number, messages: number): void {
    const load = this.#loads.get(uid);
    if (load === undefined || turn > load.given) return; // It speaks of another life of this object.
    load.atTurn = turn;
    load.atHand = messages;
  }

  of(uid: number): number {
    const load = this.#loads.get(uid);
    return load === undefined ? 0 : load.atHand + load.given - load.atTurn;
  }

  /** The member has come, or gone. */
  reset(uid: number): void {
    this.#loads.delete(uid);
  }
}
