import { pathToFileURL } from 'node:url';
import { type ConnectorDefinition, definitionOf, openConnector, realClock } from '../compose.ts';
import type { Connector } from '../core/connector.ts';
import { ConfigError, ConnectorError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import { jsonLog, type Log } from '../core/log.ts';
import { type ConnectorSettings, parseSettings, topicsOf } from '../core/settings.ts';
import { serveHealth } from '../platforms/worker/health.ts';
import { type Counts, workerMetrics } from '../platforms/worker/metrics.ts';
import type { StartingPosition } from '../platforms/worker/starting-point.ts';
import type { Status } from '../platforms/worker/status.ts';
import { connectTo, runWorker } from '../platforms/worker/worker.ts';
import { openCluster } from './cluster.ts';
import type { ConnectorMessage, ConnectorStart, Progress } from './run-messages.ts';

// The process of one connector, started by connector-process.ts.

const progressMs = 1_000;
const closeTimeoutMs = 5_000;
/** Longer than a worker takes to drain, commit and leave. */
const orphanMs = 40_000;

async function run(start: ConnectorStart, signal: AbortSignal): Promise<void> {
  const settings = parseSettings(start.connector);
  const metrics = workerMetrics(start.name, realClock.now);
  const log = jsonLog((line) => process.stderr.write(`${line}\n`), { now: realClock.now, fields: { connector: start.name } });
  const connector = await unlessAborted(open(start, settings, metrics, log), signal);
  if (connector === undefined) return say({ type: 'ended', reason: 'stopped', isCommitted: true });
  // Before it joins the group: a port that is taken would end it there.
  const health = start.metricsPort === undefined ? undefined : await serve(start.metricsPort, () => worker.status(), metrics);
  const group = { groupId: start.groupId, topics: topicsOf(settings) };
  const worker = runWorker({
    connector,
    connect: connectTo(async () => (await openCluster(start.cluster, process.env)).cluster, group),
    startingPosition: startingPosition(settings),
    policy: settings.worker,
    batchTimeoutMs: start.batchTimeoutMs,
    untilCaughtUp: start.untilCaughtUp,
    signal,
    clock: realClock,
    log,
    tell: say,
    fetched: metrics.fetched,
  });
  const measure = measurer(metrics.counts, worker.status);
  const timer = setInterval(() => say({ type: 'progress', progress: measure() }), progressMs);
  const { reason, isCommitted, trouble } = await worker.ended;
  clearInterval(timer);
  say({ type: 'progress', progress: measure() });
  // A target that hangs does not keep what is done from ending.
  await unlessAborted(connector.close(), AbortSignal.timeout(closeTimeoutMs)).catch(() => undefined);
  await health?.close();
  say({ type: 'ended', reason, isCommitted, ...(trouble === undefined ? {} : { code: trouble.code, message: trouble.message }) });
}

async function open(
  start: ConnectorStart,
  settings: ConnectorSettings,
  metrics: ReturnType<typeof workerMetrics>,
  log: Log,
): Promise<Connector> {
  return await openConnector(await load(start), {
    name: start.name,
    settings,
    cluster: start.cluster,
    environment: {
      env: process.env,
      clock: realClock,
      log,
      reportBatch: metrics.batch,
      reportWrite: metrics.write,
      reportRetry: metrics.retry,
    },
  });
}

async function load({ handlerFile, exportName }: ConnectorStart): Promise<ConnectorDefinition> {
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(handlerFile).href);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    throw new ConfigError('FUNCTION_UNUSABLE', `${handlerFile} cannot be loaded: ${reason}`, { cause });
  }
  const definition = definitionOf(isObject(loaded) ? loaded[exportName] : undefined);
  if (definition !== undefined) return definition;
  throw new ConfigError(
    'FUNCTION_UNUSABLE',
    `${handlerFile} does not export ${exportName} made by connect(). Export it, or correct handler in serverless.yml.`,
  );
}

async function serve(port: number, status: () => Status, metrics: ReturnType<typeof workerMetrics>) {
  try {
    const server = await serveHealth({ status, metrics, port });
    say({ type: 'serving', url: server.url });
    return server;
  } catch (cause) {
    throw new ConfigError('PORT_TAKEN', `Port ${port} cannot be listened on. Say another with --metrics-port.`, { cause });
  }
}

function startingPosition({ trigger }: ConnectorSettings): StartingPosition {
  const { startingPosition: at, startingPositionTimestamp: seconds = 0 } = trigger;
  return at === 'AT_TIMESTAMP' ? { at, timestamp: seconds * 1_000 } : { at };
}

function measurer(counts: () => Counts, status: () => Status): () => Progress {
  let before = { in: 0, at: realClock.now() };
  return () => {
    const current = counts();
    const { state, lag, trouble } = status();
    const now = realClock.now();
    const rate = now > before.at ? Math.round(((current.in - before.in) * 1_000) / (now - before.at)) : 0;
    before = { in: current.in, at: now };
    return { ...current, state, lag, rate, ...(trouble === undefined ? {} : { trouble: trouble.code }) };
  };
}

/** The result of the work, or nothing when the signal aborts before it is there. */
function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  const over = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return Promise.race([over, work]);
}

function say(message: ConnectorMessage): void {
  if (process.connected) process.send?.(message);
}

const stop = new AbortController();
let isEnding = false;
// Ctrl-C reaches every process of the terminal; who started this one says when it is to end, and if that one is gone, it ends too.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => stop.abort());
process.on('disconnect', () => {
  if (isEnding) return;
  if (stop.signal.aborted) process.exit(1); // nobody waits any more for what was asked to stop
  stop.abort();
  setTimeout(() => process.exit(1), orphanMs).unref();
});
process.once('message', (start) => {
  run(start as ConnectorStart, stop.signal).then(
    () => end(0),
    (error: unknown) => {
      if (!(error instanceof ConnectorError)) {
        process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
        end(1);
        return;
      }
      say({ type: 'unusable', code: error.code, message: error.message });
      end(2);
    },
  );
});

/** What was said is sent first; what a function left open does not keep the process alive. */
function end(code: number): void {
  process.exitCode = code;
  isEnding = true;
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(code), 1_000).unref();
}
