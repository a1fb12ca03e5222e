// A peer's address, as the platform tells it: this header is the platform's own, and a client's is overwritten by it.

/** Without port; "127.0.0.1" where no platform stands in front. */
export function peerAddressOf(request: Request): string {
  return request.headers.get("CF-Connecting-IP") ?? "127.0.0.1";
}
