// What goes wrong between the shards of a deployment, and how often: drawn from a seeded generator, switched off for a
// deployment that nobody planned faults for. Test and objects share it, since they are of one isolate.

/** Chances from 0 to 1, of each frame in either direction or of each event. */
export interface FaultChances {
  /** The connection breaks, and the frame is lost with it. */
  lost: number;
  /** The frame comes twice. */
  repeated: number;
  /** The frame and all behind it come later. */
  delayed: number;
  /** The frame alone comes later: others overtake it. */
  overtaken: number;
  /** What an event with frames of a stream wrote cannot be committed: the object ends without it. */
  uncommitted: number;
  /** A step of a move of slots: the object ends without what it wrote. As often its answer is lost. */
  step?: number;
}

export type Fault = "lost" | "repeated" | "delayed" | "overtaken";

const DELAY_MS = 40;

/** The faults of one deployment. */
export class FaultPlan {
  /** How often each has happened. */
  readonly happened = { lost: 0, repeated: 0, delayed: 0, overtaken: 0, uncommitted: 0, step: 0 };
  readonly random: () => number;
  readonly #chances: FaultChances;
  #on = true;

  constructor(seed: number, chances: FaultChances) {
    this.random = seeded(seed);
    this.#chances = chances;
  }

  /** From here on nothing fails. */
  end(): void {
    this.#on = false;
  }

  /** What becomes of the next frame; null: it comes as it should. */
  ofFrame(): Fault | null {
    if (!this.#on) return null;
    let drawn = this.random();
    for (const fault of ["lost", "repeated", "delayed", "overtaken"] as const) {
      drawn -= this.#chances[fault];
      if (drawn >= 0) continue;
      this.happened[fault] += 1;
      return fault;
    }
    return null;
  }

  /** Whether what this event wrote is lost. */
  ofCommit(): boolean {
    if (!this.#on || this.random() >= this.#chances.uncommitted) return false;
    this.happened.uncommitted += 1;
    return true;
  }

  /** What becomes of a step of a move; null: it goes well. */
  ofStep(): "dies" | "lost" | null {
    const { step = 0 } = this.#chances;
    if (!this.#on || step === 0) return null;
    const drawn = this.random();
    if (drawn >= 2 * step) return null;
    this.happened.step += 1;
    return drawn < step ? "dies" : "lost";
  }

  delayMs(): number {
    return this.random() * DELAY_MS;
  }
}

const plans = new Map<string, FaultPlan>();

/** From now on the deployment's shards follow `plan`. */
export function planFaults(deploymentId: string, plan: FaultPlan): void {
  plans.set(deploymentId, plan);
}

/** The plan of the deployment that an object with this name belongs to. */
export function planOf(objectName: string): FaultPlan | null {
  const [deploymentId = ""] = objectName.split("/", 1);
  return plans.get(deploymentId) ?? null;
}

/** Numbers from 0 to 1, the same ones for the same seed (a linear congruence with mixed output). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    let mixed = state ^ (state >>> 15);
    mixed = Math.imul(mixed, 0x2c1b_3c6d);
    mixed ^= mixed >>> 12;
    return (mixed >>> 0) / 2 ** 32;
  };
}
