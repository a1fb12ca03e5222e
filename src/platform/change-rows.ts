// Many rows at once, and with them what is remembered of them.

import { log } from "./log.ts";

/** Changes all of it or nothing. Where that fails, what is remembered may be wrong: the object ends, and begins again with what
 *  is stored. */
export function changeRows<T>(context: Pick<DurableObjectState, "abort" | "storage">, change: () => T): T {
  try {
    return context.storage.transactionSync(change);
  } catch (error) {
    log.error("rows could not be changed: this object begins again", { error });
    context.abort("rows could not be changed");
    throw error;
  }
}
