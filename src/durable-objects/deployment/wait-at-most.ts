// A bound to how long an answer waits for work that goes on by itself.

/** Resolves when the work has ended, well or not, and after so many milliseconds at the latest. What came of it is to
 *  be seen in what it stored. Leaves no timer behind, which would keep the object awake. */
export async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  const ended = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([ended, enough]);
  if (timer !== null) clearTimeout(timer);
}
