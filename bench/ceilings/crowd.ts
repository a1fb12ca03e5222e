// Many connections, opened as fast as the service lets them in from one address.

import { LoadClient, type ConnectOptions, type Target } from "../client.ts";
import { newClientId } from "../workloads/clients.ts";

const AT_A_TIME = 50;

/** Connects so many clients and does `then` with each. */
export async function crowd(
  target: Target,
  total: number,
  options: Partial<ConnectOptions> = {},
  then: (client: LoadClient, place: number) => Promise<void> = async () => undefined,
): Promise<LoadClient[]> {
  const clients: LoadClient[] = [];
  let started = 0;
  const work = async () => {
    while (started < total) {
      const place = started++;
      const client = await LoadClient.connect(target, { ...quiet(), ...options });
      clients.push(client);
      await then(client, place);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, total) }, work));
  return clients;
}

/** A client that may be silent as long as it likes, and whose end is no failure of the load. */
export function quiet(): ConnectOptions {
  return { clientId: newClientId(), version: 5, keepAliveSeconds: 0, onEnd: () => undefined };
}

export async function disperse(clients: readonly LoadClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}
