// The end of an object: its storage, its alarm, and all that still goes on in its memory.

/** Long enough for the answer to leave first; if it does not, the caller asks again and finds nothing. */
const ABORT_MS = 100;

/** Erases an object's storage. `served`: timers and streams of it may live, and end with its memory a moment later. */
export async function erase(context: DurableObjectState, served: boolean): Promise<void> {
  await context.storage.deleteAlarm();
  await context.storage.deleteAll();
  if (served) setTimeout(() => context.abort("erased"), ABORT_MS);
}
