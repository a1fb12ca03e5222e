// Reads the body of a request or response that a stranger wrote: never more than a bound of it.

export type BoundedBody = { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false };

/** The whole body, if it has at most `bytesMax` bytes; `ok: false`: it has more. What is beyond is not read, whatever
 *  Content-Length says. Throws what the stream throws when the peer breaks off. */
export async function readBoundedBody(message: Request | Response, bytesMax: number): Promise<BoundedBody> {
  const { body } = message;
  if (body === null) return { ok: true, bytes: new Uint8Array() };
  if (Number(message.headers.get("Content-Length") ?? 0) > bytesMax) {
    await body.cancel();
    return { ok: false };
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { ok: true, bytes: joined(chunks, length) };
    length += value.length;
    if (length > bytesMax) {
      await reader.cancel();
      return { ok: false };
    }
    chunks.push(value);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
