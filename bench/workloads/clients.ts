// Clients with names that no other workload uses, and what they send.

import { type ConnectOptions, LoadClient, type Target } from "../client.ts";

export const PAYLOAD = Buffer.alloc(64, "x");

let clients = 0;

export function newClientId(): string {
  clients += 1;
  return `load-${process.pid}-${clients}`;
}

export function connect(target: Target, options: Partial<ConnectOptions> = {}): Promise<LoadClient> {
  return LoadClient.connect(target, { clientId: newClientId(), ...options });
}

/** Ends the session of a client that is to leave nothing behind. */
export async function forget(target: Target, clientId: string): Promise<void> {
  const client = await LoadClient.connect(target, { clientId });
  await client.close();
}
