// Asks the evictor (evictor.js) to take the memory of a deployment's objects.

/** How a deployment's objects are evicted. */
export interface Evictions {
  /** Of the evictor. */
  url: string;
  deploymentId: string;
  shards: number;
}

/** Takes the memory of a deployment's objects, each as soon as it is idle; how many had one. */
export async function evict({ url, deploymentId, shards }: Evictions): Promise<number> {
  const numbers = Array.from({ length: shards }, (_, number) => number);
  const objects = [
    { binding: "DEPLOYMENT", name: deploymentId },
    ...numbers.map((number) => ({ binding: "SESSION_SHARD", name: `${deploymentId}/session/${number}` })),
    ...numbers.map((number) => ({ binding: "TOPIC_SHARD", name: `${deploymentId}/topic/${number}` })),
  ];
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(objects) });
  if (!answer.ok) throw new Error(`not evicted: ${answer.status} ${await answer.text()}`);
  return Number(await answer.text());
}
