// Deadlines on the real alarm of a real object. `ring` runs the alarm as the platform does, but at once; evictions
// between the steps take all that is in memory.

import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { DeadlineHandler } from "../../../src/platform/deadlines.ts";
import { Deadlines, NotYet } from "../../../src/platform/deadlines.ts";
import type { WithAlarm } from "./in-object.ts";
import { inObject, newObject } from "./in-object.ts";

/** Far enough from now that no alarm rings by itself while a test runs. */
const LATER = Date.now() + 1_000_000;

type Handlers = Readonly<Record<string, DeadlineHandler>>;

/** An object's life until `evict`: one Deadlines, as a class would make it in its constructor. */
class Life {
  readonly stub = newObject();
  readonly ran: string[] = [];
  #deadlines: Deadlines | null = null;

  /** `work` gets the Deadlines of this life, made with `handlers` if it is new. */
  run<T>(
    handlers: Handlers,
    work: (deadlines: Deadlines, storage: DurableObjectStorage, instance: WithAlarm) => T | Promise<T>,
  ): Promise<T> {
    return inObject(this.stub, (storage, instance) => {
      this.#deadlines ??= new Deadlines(storage, handlers, () => 0.5);
      return work(this.#deadlines, storage, instance);
    });
  }

  async evict(): Promise<void> {
    this.#deadlines = null;
    await evictDurableObject(this.stub);
  }

  /** Rings the alarm at `now`. False: it was not set. */
  async ring(handlers: Handlers, now: number): Promise<boolean> {
    await this.run(handlers, (deadlines, _storage, instance) => {
      instance.alarm = () => deadlines.run(now);
    });
    return runDurableObjectAlarm(this.stub);
  }

  alarm(): Promise<number | null> {
    return inObject(this.stub, (storage) => storage.getAlarm());
  }

  rows(): Promise<Record<string, SqlStorageValue>[]> {
    return inObject(this.stub, ({ sql }) => sql.exec("SELECT kind, key, at FROM deadline ORDER BY at, key").toArray());
  }

  /** Handlers of these kinds, which note what ran. */
  noting(...kinds: string[]): Handlers {
    return Object.fromEntries(kinds.map((kind) => [kind, (key: string) => void this.ran.push(`${kind} ${key}`)]));
  }
}

describe("deadlines", () => {
  it("runs what is due in order, over an eviction, and sets the alarm for what is next", async () => {
    const life = new Life();
    const handlers = life.noting("a", "b");
    await life.run(handlers, (deadlines) => {
      deadlines.set("a", "2", LATER + 20);
      deadlines.set("b", "1", LATER + 10);
      deadlines.set("a", "3", LATER + 30);
    });
    expect(await life.alarm()).toBe(LATER + 10);
    await life.evict();
    expect(await life.ring(handlers, LATER + 20)).toBe(true);
    expect(life.ran).toEqual(["b 1", "a 2"]);
    expect(await life.alarm()).toBe(LATER + 30);
    await life.evict();
    expect(await life.ring(handlers, LATER + 30)).toBe(true);
    expect(life.ran).toEqual(["b 1", "a 2", "a 3"]);
    expect(await life.alarm()).toBeNull();
    expect(await life.rows()).toEqual([]);
  });

  it("is rung by the platform itself", async () => {
    const life = new Life();
    const { promise, resolve } = Promise.withResolvers<string>();
    const handlers = { soon: (key: string) => resolve(key) };
    await life.run(handlers, (deadlines, _storage, instance) => {
      instance.alarm = () => deadlines.run(Date.now());
      deadlines.set("soon", "x", Date.now() + 5);
    });
    expect(await promise).toBe("x");
  });

  it("sets the alarm only when the earliest deadline changes, once a turn", async () => {
    const life = new Life();
    await life.run(life.noting("a"), async (deadlines, storage) => {
      const setAlarm = vi.spyOn(storage, "setAlarm");
      for (let i = 50; i > 0; i--) deadlines.set("a", String(i), LATER + i);
      await storage.getAlarm();
      expect(setAlarm.mock.calls).toEqual([[LATER + 1]]);
      deadlines.set("a", "1", LATER + 100);
      deadlines.clear("a", "2");
      await storage.getAlarm();
      expect(setAlarm).toHaveBeenCalledOnce();
      deadlines.set("a", "0", LATER);
      await storage.getAlarm();
      expect(setAlarm.mock.calls).toEqual([[LATER + 1], [LATER]]);
      setAlarm.mockRestore();
    });
  });

  it("leaves the alarm alone in a new life that has it", async () => {
    const life = new Life();
    await life.run(life.noting("a"), (deadlines) => deadlines.set("a", "1", LATER));
    await life.evict();
    await life.run(life.noting("a"), async (deadlines, storage) => {
      const setAlarm = vi.spyOn(storage, "setAlarm");
      deadlines.set("a", "2", LATER + 1);
      await storage.getAlarm();
      expect(setAlarm).not.toHaveBeenCalled();
      setAlarm.mockRestore();
    });
  });

  it("brings an alarm back that the platform gave up", async () => {
    const life = new Life();
    await life.run(life.noting("a"), (deadlines) => deadlines.set("a", "1", LATER));
    await inObject(life.stub, (storage) => storage.deleteAlarm());
    await life.evict();
    await life.run(life.noting("a"), () => undefined);
    await vi.waitFor(async () => expect(await life.alarm()).toBe(LATER));
  });

  it("calls a handler that throws again, later each time, in spite of evictions; others run meanwhile", async () => {
    const life = new Life();
    let failures = 3;
    const handlers = {
      ...life.noting("good"),
      bad: (key: string) => {
        life.ran.push(`bad ${key}`);
        if (failures-- > 0) throw new Error("not now");
      },
    };
    await life.run(handlers, (deadlines) => {
      deadlines.set("bad", "1", LATER);
      deadlines.set("good", "2", LATER + 1);
    });
    const waits: number[] = [];
    for (let now = LATER + 1; (await life.alarm()) !== null;) {
      await life.ring(handlers, now);
      await life.evict();
      const next = await life.alarm();
      if (next === null) break;
      waits.push(next - now);
      now = next;
    }
    expect(life.ran).toEqual(["bad 1", "good 2", "bad 1", "bad 1", "bad 1"]);
    expect(waits).toEqual([38, 75, 150]);
    expect(await life.rows()).toEqual([]);
  });

  it("calls a handler that is not done yet again with the same back-off, and logs that as no error", async () => {
    const life = new Life();
    const info = vi.spyOn(console, "info").mockImplementation(() => undefined);
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const wait = () => Promise.reject(new NotYet("the other side is away"));
    const fail = () => Promise.reject(new Error("a fault"));
    await life.run({ wait, fail }, (deadlines) => {
      deadlines.set("wait", "1", LATER);
      deadlines.set("fail", "2", LATER);
    });
    await life.ring({ wait, fail }, LATER);
    const lines = (spy: typeof info) => spy.mock.calls.map(([line]) => JSON.parse(String(line)) as object);
    expect(lines(info)).toEqual([
      expect.objectContaining({ kind: "wait", attempts: 1, reason: "the other side is away" }),
    ]);
    expect(lines(error)).toEqual([expect.objectContaining({ kind: "fail", attempts: 1 })]);
    vi.restoreAllMocks();
    expect(await life.rows()).toEqual([
      { kind: "wait", key: "1", at: LATER + 38 },
      { kind: "fail", key: "2", at: LATER + 38 },
    ]);
  });

  it("keeps what a handler sets for its own kind and key, however it sets it", async () => {
    const life = new Life();
    const again = LATER + 500;
    let use: Deadlines | null = null;
    const handlers = {
      set: (key: string) => use?.set("set", key, again),
      same: (key: string) => use?.set("same", key, LATER),
      earlier: (key: string) => use?.setEarlier("earlier", key, again),
      unset: async (key: string) => {
        await Promise.resolve();
        use?.setIfUnset("unset", key, again);
      },
      cleared: (key: string) => use?.clear("cleared", key),
    };
    await life.run(handlers, (deadlines) => {
      use = deadlines;
      for (const kind of Object.keys(handlers)) deadlines.set(kind, "k", LATER);
    });
    await life.ring(handlers, LATER);
    expect(await life.rows()).toEqual(
      ["same", "earlier", "set", "unset"].map((kind) => ({ kind, key: "k", at: kind === "same" ? LATER : again })),
    );
    expect(await life.alarm()).toBe(LATER);
  });

  it("keeps the earlier of what a failing handler has set and its next try, and what it has cleared cleared", async () => {
    const life = new Life();
    let use: Deadlines | null = null;
    const fail = () => {
      throw new Error("no");
    };
    const handlers = {
      cleared: (key: string) => (use?.clear("cleared", key), fail()),
      late: (key: string) => (use?.set("late", key, LATER + 9_000), fail()),
      soon: (key: string) => (use?.set("soon", key, LATER + 1), fail()),
    };
    await life.run(handlers, (deadlines) => {
      use = deadlines;
      for (const kind of Object.keys(handlers)) deadlines.set(kind, "k", LATER);
    });
    await life.ring(handlers, LATER);
    expect(await life.rows()).toEqual([
      { kind: "soon", key: "k", at: LATER + 1 },
      { kind: "late", key: "k", at: LATER + 38 },
    ]);
  });

  it("does not run what an earlier handler of the same run has cleared or moved", async () => {
    const life = new Life();
    let use: Deadlines | null = null;
    const handlers = {
      ...life.noting("b"),
      a: () => {
        use?.clear("b", "1");
        use?.set("b", "2", LATER + 100);
      },
    };
    await life.run(handlers, (deadlines) => {
      use = deadlines;
      deadlines.set("a", "", LATER);
      deadlines.set("b", "1", LATER + 1);
      deadlines.set("b", "2", LATER + 2);
    });
    await life.ring(handlers, LATER + 10);
    expect(life.ran).toEqual([]);
    expect(await life.rows()).toEqual([{ kind: "b", key: "2", at: LATER + 100 }]);
  });

  it("keeps a deadline whose handler only another release has", async () => {
    const life = new Life();
    await life.run(life.noting("new"), (deadlines) => deadlines.set("new", "1", LATER));
    await life.evict();
    await life.ring({}, LATER);
    const at = LATER + 3_600_000;
    expect(await life.rows()).toEqual([{ kind: "new", key: "1", at }]);
    await life.evict();
    await life.ring(life.noting("new"), at);
    expect(life.ran).toEqual(["new 1"]);
  });

  it("runs thousands that are due at once over several alarms, none twice", async () => {
    const life = new Life();
    const handlers = life.noting("a");
    await life.run(handlers, (deadlines) => {
      for (let i = 0; i < 1_200; i++) deadlines.set("a", String(i), LATER);
    });
    let rings = 0;
    while ((await life.rows()).length > 0) {
      await life.ring(handlers, LATER);
      rings += 1;
    }
    expect(rings).toBe(3);
    expect(life.ran).toHaveLength(1_200);
    expect(new Set(life.ran).size).toBe(1_200);
  });

  it("forgets with a transaction rolled back what was set in it, the table and the alarm", async () => {
    const life = new Life();
    await life.run(life.noting("a"), async (deadlines, storage) => {
      const work = () => {
        deadlines.set("a", "1", LATER);
        throw new Error("rolled back");
      };
      expect(() => storage.transactionSync(work)).toThrow("rolled back");
      await storage.getAlarm();
      expect(await storage.getAlarm()).toBeNull();
      deadlines.set("a", "2", LATER + 1);
    });
    expect(await life.alarm()).toBe(LATER + 1);
    expect(await life.rows()).toEqual([{ kind: "a", key: "2", at: LATER + 1 }]);
  });

  it("writes nothing for a deadline that stays as it is, nor for an object without any", async () => {
    const life = new Life();
    await life.run({}, (deadlines, { sql }) => {
      deadlines.clear("a", "1");
      expect(sql.exec("SELECT * FROM sqlite_master").toArray()).toEqual([]);
      deadlines.set("a", "1", LATER);
      const changes = () => sql.exec("SELECT total_changes() AS n").one();
      const before = changes();
      deadlines.set("a", "1", LATER);
      deadlines.setEarlier("a", "1", LATER + 5);
      deadlines.setIfUnset("a", "1", LATER + 6);
      expect(changes()).toEqual(before);
      deadlines.setEarlier("a", "1", LATER - 5);
      expect(changes()).not.toEqual(before);
    });
    expect(await life.alarm()).toBe(LATER - 5);
  });

  it("takes deadlines that lie behind what the platform's alarm takes", async () => {
    const life = new Life();
    await life.run(life.noting("a"), (deadlines) => deadlines.set("a", "1", Date.UTC(2_500)));
    expect(await life.alarm()).toBe(Date.UTC(2_180));
  });
});
