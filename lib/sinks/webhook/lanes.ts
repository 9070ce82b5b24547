/** Which lane a task waits in; undefined for one that waits for nothing. */
export type LaneOf = (task: number) => string | undefined;

/**
 * Runs tasks 0 to count - 1, several at a time and begun in order. Tasks of one lane run one after the other, in order; a later lane does
 * not wait for them. A task that throws or rejects fails them all once those under way have ended.
 */
export function runInLanes(
  count: number,
  {
    concurrency,
    laneOf,
    run,
  }: { readonly concurrency: number; readonly laneOf: LaneOf; readonly run: (task: number) => Promise<void> | undefined },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const busy = new Map<string, number[]>();
    let cursor = 0;
    let active = 0;
    let failure: { readonly error: unknown } | undefined;

    const attempt = <Result>(work: () => Result): Result | undefined => {
      try {
        return work();
      } catch (error) {
        failure ??= { error };
        return undefined;
      }
    };
    const start = (task: number, lane: string | undefined): void => {
      active++;
      const running = attempt(() => run(task));
      if (running === undefined) ended(lane);
      else
        running.then(
          () => {
            ended(lane);
            pump();
          },
          (error: unknown) => {
            failure ??= { error };
            ended(lane);
            pump();
          },
        );
    };
    const ready: { readonly task: number; readonly lane: string }[] = [];
    const ended = (lane: string | undefined): void => {
      active--;
      if (lane === undefined) return;
      const next = busy.get(lane)?.shift();
      if (next === undefined) busy.delete(lane);
      else ready.push({ task: next, lane });
    };
    const pump = (): void => {
      while (failure === undefined && active < concurrency) {
        const next = ready.shift();
        if (next !== undefined) {
          start(next.task, next.lane);
          continue;
        }
        if (cursor === count) break;
        const task = cursor++;
        const lane = attempt(() => laneOf(task));
        if (failure !== undefined) break;
        const waiting = lane === undefined ? undefined : busy.get(lane);
        if (waiting !== undefined) {
          waiting.push(task);
          continue;
        }
        if (lane !== undefined) busy.set(lane, []);
        start(task, lane);
      }
      if (active > 0) return;
      if (failure !== undefined) reject(failure.error);
      else resolve();
    };
    pump();
  });
}
