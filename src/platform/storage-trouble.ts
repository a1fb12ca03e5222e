// What an object does when its storage fails. Memory is then ahead of what is stored, in a way that nobody can mend: the
// object ends, lets nothing out that it has not stored, and begins again with that, as when the platform cannot commit.

import { log } from "./log.ts";

/** SQLite's codes for a statement that was right and could not be done. The others are bugs of ours. */
const TROUBLE = /SQLITE_(?:FULL|IOERR|NOMEM|BUSY|LOCKED|CORRUPT|NOTADB|CANTOPEN|READONLY|PROTOCOL|INTERRUPT|INTERNAL)/;

/** Ends the object and throws `error`, if that is trouble with storage; else it does nothing. */
export function endOnStorageTrouble(context: Pick<DurableObjectState, "abort">, error: unknown): void {
  if (!TROUBLE.test(String(error))) return;
  log.error("the storage fails: this object begins again", { error });
  context.abort("the storage fails");
  throw error;
}

/** Ends the object and throws `error`, whatever it is: something that others were told of could not be written. */
export function endOnFailedWrite(context: Pick<DurableObjectState, "abort">, error: unknown): never {
  endOnStorageTrouble(context, error);
  log.error("a write failed: this object begins again", { error });
  context.abort("a write failed");
  throw error;
}
