// The last step of a start: the service itself says that it is well.

const PATIENCE_MS = 20_000;
const PAUSE_MS = 50;

/** Waits for 200 from GET /health at `url`. Throws an error of one line that names what fails. */
export async function untilHealthy(url: string): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  let last = "no answer";
  while (!signal.aborted) {
    try {
      const response = await fetch(`${url}/health`, { signal });
      const text = await response.text();
      if (response.status === 200) return;
      last = `${response.status} ${text.slice(0, 200)}`;
    } catch (error) {
      if (signal.aborted) break;
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`the service is not well: ${last}`);
}
