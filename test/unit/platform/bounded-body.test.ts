import { describe, expect, it } from "vitest";
import { readBoundedBody } from "../../../src/platform/bounded-body.ts";

/** A body that comes in chunks and tells how many were taken and whether it was cancelled. */
function chunked(chunks: number, bytes: number) {
  const seen = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (seen.pulled === chunks) return controller.close();
        seen.pulled += 1;
        return controller.enqueue(new Uint8Array(bytes).fill(seen.pulled));
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { seen, message: new Response(body) };
}

describe("bounded body", () => {
  it("joins the chunks of a body that just fits", async () => {
    const { message } = chunked(3, 2);
    expect(await readBoundedBody(message, 6)).toEqual({ ok: true, bytes: new Uint8Array([1, 1, 2, 2, 3, 3]) });
  });

  it("gives no bytes for no body", async () => {
    expect(await readBoundedBody(new Request("http://localhost/"), 0)).toEqual({ ok: true, bytes: new Uint8Array() });
    expect(await readBoundedBody(new Response(""), 0)).toEqual({ ok: true, bytes: new Uint8Array() });
  });

  it("stops at the first chunk too many and cancels the rest", async () => {
    const { seen, message } = chunked(1_000, 10);
    expect(await readBoundedBody(message, 25)).toEqual({ ok: false });
    expect(seen).toEqual({ pulled: 3, cancelled: true });
  });

  it("refuses by Content-Length without reading, and does not trust one that is too small", async () => {
    const long = chunked(1, 10);
    const announced = new Response(long.message.body, { headers: { "Content-Length": "1000" } });
    expect(await readBoundedBody(announced, 100)).toEqual({ ok: false });
    expect(long.seen).toEqual({ pulled: 0, cancelled: true });
    const lying = new Response(chunked(5, 10).message.body, { headers: { "Content-Length": "1" } });
    expect(await readBoundedBody(lying, 20)).toEqual({ ok: false });
  });

  it("throws when the peer breaks off", async () => {
    const broken = new Response(
      new ReadableStream({ pull: (controller) => controller.error(new Error("broken off")) }, { highWaterMark: 0 }),
    );
    await expect(readBoundedBody(broken, 10)).rejects.toThrow("broken off");
  });
});
