// The end of an event, for what is to be sent once for all of it. A promise's reaction costs a small part of what the
// platform's queueMicrotask does, since that wraps the function.

/** Calls `act` when this event's other work is done. */
export function soon(act: () => void): void {
  void Promise.resolve().then(act);
}
