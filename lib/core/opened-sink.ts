import { ConfigError, RetriableError } from './errors.ts';
import type { Outcome, Sink, WriteOptions } from './sink.ts';

/** Opens the sink; `fresh` asks for secrets to be read again. */
export type OpenSink = (options: { readonly fresh: boolean }) => Promise<Sink>;

export interface OpenedSink extends Sink {
  /** Opens the sink when it is not open. Must have been called before `identity` says anything. */
  ready(): Promise<void>;
  /** Closes the sink and opens it again with secrets read afresh. */
  reopen(): Promise<void>;
}

/** How long a write may go on after its signal aborted before its connection is destroyed. */
const graceMs = 1_000;

/**
 * Keeps one sink open between batches. When the target refuses the credentials, drops the sink and its secrets and opens once more, so that
 * a rotated password heals itself. A write that outlives its signal is abandoned and its sink closed: nothing stays in flight.
 */
export function openedSink(open: OpenSink, sleep: (ms: number, signal: AbortSignal) => Promise<void>): OpenedSink {
  let opening: Promise<Sink> | undefined;
  let current: Sink | undefined;
  let isFresh = false; // opened again after a refusal, and nothing has worked since

  const ready = async (options = { fresh: false }): Promise<Sink> => {
    opening ??= open(options);
    try {
      current = await opening;
      return current;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  const drop = async (): Promise<void> => {
    const sink = current;
    current = undefined;
    opening = undefined;
    await sink?.close?.();
  };
  const reopen = async (): Promise<Sink> => {
    await drop().catch(() => undefined); // a sink that cannot be closed any more is dropped all the same
    isFresh = true;
    return await ready({ fresh: true });
  };
  const writeOnce = async (sink: Sink, records: Parameters<Sink['write']>[0], options: WriteOptions): Promise<readonly Outcome[]> => {
    const writing = sink.write(records, options);
    const abandoned = await outlives(writing, options.signal, sleep);
    if (!abandoned) return await writing;
    writing.catch(() => undefined);
    void drop().catch(() => undefined);
    throw new RetriableError('ABORTED', 'The target did not answer before the time for writing was over');
  };

  return {
    ready: async () => void (await ready()),
    reopen: async () => void (await reopen()),
    identity: (record) => current?.identity?.(record) ?? null,
    async probe(options) {
      const sink = await ready();
      await sink.probe?.(options);
    },
    async write(records, options) {
      const outcomes = await tryWrite(() => ready().then((sink) => writeOnce(sink, records, options)), records.length);
      const refused = outcomes.flatMap((outcome, position) => (isUnauthorized(outcome) ? [position] : []));
      if (refused.length === 0) isFresh = false;
      if (refused.length === 0 || isFresh) return outcomes;
      const again = await tryWrite(
        async () =>
          writeOnce(
            await reopen(),
            refused.flatMap((position) => records[position] ?? []),
            options,
          ),
        refused.length,
      );
      if (!again.some(isUnauthorized)) isFresh = false;
      const answers = new Map(refused.map((position, index) => [position, again[index]]));
      return outcomes.map((outcome, position) => answers.get(position) ?? outcome);
    },
    close: drop,
  };
}

/** A refusal that was thrown counts for every record; anything else that was thrown is thrown on. */
async function tryWrite(write: () => Promise<readonly Outcome[]>, count: number): Promise<readonly Outcome[]> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof ConfigError && error.unauthorized) return Array<Outcome>(count).fill(error);
    throw error;
  }
}

function isUnauthorized(outcome: Outcome | undefined): boolean {
  return outcome instanceof ConfigError && outcome.unauthorized;
}

/** True when the work has not ended some time after the signal aborted. */
async function outlives(
  work: Promise<unknown>,
  signal: AbortSignal,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const over = new AbortController();
  const settled = work.then(
    () => false,
    () => false,
  );
  const abandoned = new Promise<boolean>((resolve) => {
    const wait = (): void => void sleep(graceMs, over.signal).then(() => resolve(true));
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([settled, abandoned]);
  } finally {
    over.abort();
  }
}
