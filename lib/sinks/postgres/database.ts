import { once } from 'node:events';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, type ClientConfig, DatabaseError, Pool, type PoolClient, type QueryResult } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { RetriableError } from '../../core/errors.ts';
import { type Backend, cancelBackend } from './cancel.ts';

export interface Statement {
  readonly text: string;
  readonly values: readonly (string | Buffer | number | boolean | null)[];
}

export interface Database {
  run(statement: Statement, signal: AbortSignal): Promise<QueryResult>;
  /** Runs `COPY … FROM STDIN` with this input. */
  copy(text: string, input: Buffer, signal: AbortSignal): Promise<void>;
  /** Runs the statements in one transaction. */
  transact(statements: readonly Statement[], signal: AbortSignal): Promise<void>;
  /** Runs the work in one transaction, which is undone when it throws. With `savepoints` a statement that fails leaves those before it. */
  transaction<Result>(
    work: (inside: Database) => Promise<Result>,
    signal: AbortSignal,
    options?: { readonly savepoints?: boolean },
  ): Promise<Result>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly client: ClientConfig;
  readonly connections: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly now: () => number;
  /** What else a new connection is told. */
  readonly session?: string;
}

/** As many statements as a transaction may have that each take as long as one may. */
const transactionStatements = 4;
/** How long a cancelled statement gets to end by itself before its connection is destroyed. */
const cancelMs = 400;
/** A connection that was idle for longer may have been cut by something on the way, or while the function was frozen. */
const maxIdleMs = 30_000;

/** Opens a pool of connections lazily. An aborted signal cancels what is running; nothing stays in flight. */
export function openDatabase({ client, connections, connectTimeoutMs, statementTimeoutMs, now, session: more }: DatabaseOptions): Database {
  const pool = new Pool({
    ...client,
    max: connections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: maxIdleMs,
    allowExitOnIdle: true,
    keepAlive: true,
  });
  const usedAt = new WeakMap<PoolClient, number>();
  const prepared = new WeakSet<PoolClient>();
  const session = `set timezone to 'UTC'; set statement_timeout to ${statementTimeoutMs}; set datestyle to 'ISO'; set intervalstyle to 'postgres'${more === undefined ? '' : `; ${more}`}`;
  pool.on('error', () => undefined); // an idle connection that breaks is replaced
  pool.on('connect', (connected) => connected.on('error', () => undefined)); // the query on it fails as well

  const acquire = async (signal: AbortSignal): Promise<PoolClient> => {
    for (;;) {
      const connecting = pool.connect();
      const connected = await untilAborted(connecting, signal);
      if (connected === undefined) {
        connecting.then(
          (late) => late.release(),
          () => undefined,
        );
        throw aborted();
      }
      if (now() - (usedAt.get(connected) ?? now()) <= maxIdleMs) return connected;
      connected.release(true);
    }
  };

  const using = async <Result>(
    signal: AbortSignal,
    work: (connected: PoolClient) => Promise<Result>,
    timeoutMs = statementTimeoutMs + 2_000,
  ): Promise<Result> => {
    if (signal.aborted) throw aborted();
    const connected = await acquire(signal);
    let destroy = true;
    try {
      const working = prepared.has(connected) ? work(connected) : connected.query(session).then(() => work(connected));
      working.catch(() => undefined); // who waits for it may have gone
      const timed = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      let result = await untilAborted(working, timed);
      if (result === undefined) {
        await Promise.race([cancelBackend(backendOf(connected), cancelMs), sleep(cancelMs)]);
        result = await Promise.race([working, sleep(cancelMs / 4, undefined)]);
        if (result === undefined) throw signal.aborted ? aborted() : timedOut();
      } else destroy = false;
      prepared.add(connected);
      return result;
    } catch (error) {
      destroy = signal.aborted || !(error instanceof DatabaseError) || error.severity !== 'ERROR';
      if (signal.aborted) throw aborted();
      throw error;
    } finally {
      usedAt.set(connected, now());
      connected.release(destroy);
    }
  };

  const transaction: Database['transaction'] = async (work, signal, { savepoints = false } = {}) => {
    const end = new AbortController();
    // A transaction that nobody waits for any more must not go on.
    const either = AbortSignal.any([signal, end.signal]);
    const run = async (connected: PoolClient) => {
      await connected.query('begin');
      try {
        const result = await work(insideOf(connected, either, savepoints));
        if (either.aborted) throw aborted();
        await connected.query('commit');
        return { result };
      } catch (error) {
        await connected.query('rollback').catch(() => undefined);
        throw error;
      }
    };
    try {
      return (await using(signal, run, transactionStatements * statementTimeoutMs)).result;
    } finally {
      end.abort();
    }
  };

  return {
    run: ({ text, values }, signal) => using(signal, (connected) => connected.query(text, [...values])),
    copy: (text, input, signal) => using(signal, (connected) => copied(connected, text, input)).then(() => undefined),
    transact: (statements, signal) =>
      transaction(async (inside) => {
        for (const statement of statements) await inside.run(statement, signal);
      }, signal),
    transaction,
    async close() {
      await Promise.race([pool.end(), sleep(1_000, undefined, { ref: false })]);
    },
  };
}

/** The same, within a transaction of this connection. */
function insideOf(connected: PoolClient, signal: AbortSignal, savepoints: boolean): Database {
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (signal.aborted) throw aborted();
    if (!savepoints) return work();
    await connected.query('savepoint statement');
    try {
      return await work();
    } catch (error) {
      if (error instanceof DatabaseError && !signal.aborted) await connected.query('rollback to savepoint statement');
      throw error;
    } finally {
      if (!signal.aborted) await connected.query('release savepoint statement').catch(() => undefined);
    }
  };
  const inside: Database = {
    run: ({ text, values }) => guarded(() => connected.query(text, [...values])),
    copy: (text, input) => guarded(() => copied(connected, text, input)).then(() => undefined),
    async transact(statements) {
      await guarded(async () => {
        for (const { text, values } of statements) await connected.query(text, [...values]);
      });
    },
    transaction: (work) => work(inside),
    close: async () => undefined,
  };
  return inside;
}

async function copied(connected: PoolClient, text: string, input: Buffer): Promise<true> {
  const stream = connected.query(copyFrom(text));
  stream.end(input);
  await once(stream, 'finish');
  return true;
}

/** The result, or undefined when the signal came first. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  if (signal.aborted) return undefined;
  let stop = (): void => undefined;
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function timedOut(): RetriableError {
  return new RetriableError('SINK_TIMEOUT', 'PostgreSQL did not answer within connector.sink.statementTimeoutMs');
}

function aborted(): RetriableError {
  return new RetriableError('ABORTED', 'The time for writing is over');
}

function backendOf(connected: PoolClient): Backend {
  const { host, port, processID, secretKey, ssl } = connected as unknown as Client & Pick<Backend, 'processID' | 'secretKey'>;
  const tls = typeof ssl === 'object' ? ssl : ssl ? {} : undefined;
  return { host, port, processID, secretKey, tls: tls && { ...(isIP(host) === 0 ? { servername: host } : {}), ...tls } };
}
