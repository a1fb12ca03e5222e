import { afterEach, describe, expect, it, vi } from "vitest";
import { log } from "../../../src/platform/log.ts";

afterEach(() => vi.restoreAllMocks());

function logged(level: "debug" | "info" | "warn" | "error", fields?: Record<string, unknown>): unknown {
  const write = vi.spyOn(console, level).mockImplementation(() => undefined);
  log[level]("told", fields);
  expect(write).toHaveBeenCalledOnce();
  const [line] = write.mock.calls[0] ?? [];
  expect(line).not.toContain("\n");
  return JSON.parse(String(line));
}

describe("log", () => {
  it.each(["debug", "info", "warn", "error"] as const)("writes one line of JSON at %s", (level) => {
    expect(logged(level, { shard: 3 })).toEqual({ level, message: "told", shard: 3 });
  });

  it("strikes out what a name says is secret, however deep", () => {
    const fields = {
      password: "p",
      newPassword: "p",
      authorization: "Basic p",
      user: { name: "n", passwordHash: "p", keys: [{ apiKey: "p", id: 1 }] },
      DATABASE_URL: "postgres://n:p@host",
      cookie: { value: "p" },
    };
    const line = logged("info", fields) as Record<string, unknown>;
    expect(line["user"]).toEqual({ name: "n", passwordHash: "[redacted]", keys: [{ apiKey: "[redacted]", id: 1 }] });
    for (const name of ["password", "newPassword", "authorization", "DATABASE_URL", "cookie"]) {
      expect(line[name]).toBe("[redacted]");
    }
  });

  it("tells errors with their causes", () => {
    const error = new TypeError("outer", { cause: new Error("inner") });
    expect(logged("error", { error })).toMatchObject({
      error: { name: "TypeError", message: "outer", stack: error.stack, cause: { name: "Error", message: "inner" } },
    });
  });

  it("never throws: cycles, big integers, bytes, getters that throw", () => {
    const cycle: Record<string, unknown> = { a: 1 };
    cycle["self"] = cycle;
    expect(logged("info", { cycle })).toMatchObject({ cycle: { a: 1, self: { a: 1 } } });
    expect(logged("warn", { big: 5n, bytes: new Uint8Array(9) })).toMatchObject({ big: "5", bytes: "[9 bytes]" });
    const bad = {
      get value(): never {
        throw new Error("no");
      },
    };
    expect(logged("error", { bad })).toEqual({ level: "error", message: "told", unloggable: "Error: no" });
  });
});
