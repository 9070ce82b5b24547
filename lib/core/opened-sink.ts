import { ConfigError, RetriableError } from './errors.ts';
import type { Outcome, Sink, WriteOptions } from './sink.ts';

/** Opens the sink; `fresh` asks for secrets to be read again. */
export type OpenSink = (options: { readonly fresh: boolean }) => Promise<Sink>;

export interface OpenedSink extends Sink {
  /** Opens the sink when it is not open. Must have been called before `identity` says anything. */
  ready(options: WriteOptions): Promise<void>;
  /** Opens the sink again, with secrets read afresh, when the one that is open was refused. */
  reopen(options: WriteOptions): Promise<void>;
}

/** How long a write may go on after its signal aborted before its connection is destroyed. */
export const graceMs = 500;

/** A sink from its opening to its end. */
interface Session {
  readonly opening: Promise<Sink>;
  sink: Sink | undefined;
  /** How many wait for it to open. */
  waiting: number;
  /** Opened after a refusal, and nothing has worked since. */
  isUnproven: boolean;
}

/**
 * Keeps one sink open between batches. When the target refuses the credentials, drops the sink and its secrets and opens once more, so that
 * a rotated password heals itself. What outlives its signal is abandoned and its sink closed: nothing stays in flight. Several writes may
 * be under way; none of them ends a sink that was opened after the one it used.
 */
export function openedSink(open: OpenSink, sleep: (ms: number, signal: AbortSignal) => Promise<void>): OpenedSink {
  let current: Session | undefined;
  let refused: Session | undefined;
  let hasStaleSecrets = false;
  let lastOpened: Sink | undefined; // says what identities are, even while nothing is open

  const start = (): Session => {
    const session: Session = { opening: open({ fresh: hasStaleSecrets }), sink: undefined, waiting: 0, isUnproven: hasStaleSecrets };
    hasStaleSecrets = false;
    session.opening.then(
      (sink) => {
        session.sink = sink;
        lastOpened = sink;
      },
      (error: unknown) => {
        if (current === session) current = undefined;
        if (isUnauthorized(error)) hasStaleSecrets = true;
      },
    );
    return session;
  };
  const ready = async (options: WriteOptions): Promise<{ readonly session: Session; readonly sink: Sink }> => {
    current ??= start();
    const session = current;
    session.waiting++;
    try {
      const sink = await untilAborted(session.opening, options.signal, 'OPEN_TIMEOUT', 'The target could not be opened in time');
      return { session, sink };
    } catch (error) {
      if (isUnauthorized(error) && !session.isUnproven) return await ready(options);
      if (session.waiting === 1) drop(session);
      throw error;
    } finally {
      session.waiting--;
    }
  };
  /** Whoever uses it still finds it closed; nobody waits for that. */
  const drop = (session: Session): void => {
    if (current !== session) return;
    current = undefined;
    void closed(session).catch(() => undefined); // a sink that cannot be closed any more is dropped all the same
  };
  const refuse = (session: Session): void => {
    if (current !== session) return;
    hasStaleSecrets = true;
    drop(session);
  };
  const writeOnce = async (
    { session, sink }: { readonly session: Session; readonly sink: Sink },
    records: Parameters<Sink['write']>[0],
    options: WriteOptions,
  ): Promise<readonly Outcome[]> => {
    const outcomes = await tryWrite(async () => {
      const writing = sink.write(records, options);
      if (!(await outlives(writing, options.signal, sleep))) return await writing;
      writing.catch(() => undefined);
      drop(session);
      throw new RetriableError('ABORTED', 'The target did not answer before the time for writing was over');
    }, records.length);
    if (outcomes.some(isUnauthorized)) refused = session;
    else session.isUnproven = false;
    return outcomes;
  };

  return {
    ready: async (options) => void (await ready(options)),
    async reopen(options) {
      if (refused !== undefined) refuse(refused);
      await ready(options);
    },
    identity(record) {
      try {
        return lastOpened?.identity?.(record) ?? null;
      } catch {
        return null; // it is refused when it is written
      }
    },
    async probe(options) {
      const { session, sink } = await ready(options);
      if (sink.probe === undefined) return;
      try {
        await untilAborted(
          sink.probe(options),
          options.signal,
          'PROBE_TIMEOUT',
          'The target did not answer in time whether it can be written to',
        );
      } catch (error) {
        if (isUnauthorized(error)) refused = session;
        throw error;
      }
    },
    async write(records, options) {
      const first = await ready(options);
      const outcomes = await writeOnce(first, records, options);
      const positions = outcomes.flatMap((outcome, position) => (isUnauthorized(outcome) ? [position] : []));
      if (positions.length === 0 || (first.session.isUnproven && current === first.session)) return outcomes;
      refuse(first.session);
      const again = await tryWrite(
        async () =>
          await writeOnce(
            await ready(options),
            positions.flatMap((position) => records[position] ?? []),
            options,
          ),
        positions.length,
      );
      const answers = new Map(positions.map((position, index) => [position, again[index]]));
      return outcomes.map((outcome, position) => answers.get(position) ?? outcome);
    },
    async close() {
      const session = current;
      if (session === undefined) return;
      if (session.sink === undefined) return drop(session);
      current = undefined;
      await closed(session);
    },
  };
}

async function closed({ opening, sink }: Session): Promise<void> {
  await (sink ?? (await opening)).close?.();
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

function isUnauthorized(outcome: unknown): boolean {
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

/** The result of the work, or a RetriableError when the signal aborts before. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal, code: string, message: string): Promise<Result> {
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new RetriableError(code, message));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    over.abort();
  }
}
