import { randomBytes } from 'node:crypto';
import { type ConnectorDefinition, openConnector, realClock } from '../compose.ts';
import type { Connector } from '../core/connector.ts';
import { ConfigError, ConnectorError } from '../core/errors.ts';
import { jsonLog, type Log } from '../core/log.ts';
import { type ConnectorSettings, parseSettings, topicsOf } from '../core/settings.ts';
import { checkConnector } from '../platforms/checks.ts';
import type { WorkerDesk } from '../platforms/worker/control-endpoints.ts';
import { type HealthServer, serveHealth } from '../platforms/worker/health.ts';
import { type Counts, workerMetrics } from '../platforms/worker/metrics.ts';
import { type PausableWorker, pausable } from '../platforms/worker/pausable.ts';
import { register } from '../platforms/worker/registry.ts';
import type { StartingPosition } from '../platforms/worker/starting-point.ts';
import type { Status } from '../platforms/worker/status.ts';
import { connectTo, runWorker } from '../platforms/worker/worker.ts';
import { openCluster } from './cluster.ts';
import { loadDefinition } from './load-definition.ts';
import type { ConnectorMessage, ConnectorStart, Progress } from './run-messages.ts';

// The process of one connector, started by connector-process.ts.

const progressMs = 1_000;
const closeTimeoutMs = 5_000;
const checkTimeoutMs = 30_000;
/** Longer than a worker takes to drain, commit and leave. */
const orphanMs = 40_000;

async function run(start: ConnectorStart, signal: AbortSignal): Promise<void> {
  const settings = parseSettings(start.connector);
  const metrics = workerMetrics(start.name, realClock.now);
  const log = jsonLog((line) => process.stderr.write(`${line}\n`), { now: realClock.now, fields: { connector: start.name } });
  const opened = await unlessAborted(open(start, settings, metrics, log), signal);
  if (opened === undefined) return say({ type: 'ended', reason: 'stopped', isCommitted: true });
  const { definition, connector } = opened;
  const restart = new AbortController();
  const ending = AbortSignal.any([signal, restart.signal]);
  const measure = measurer(metrics.counts, () => worker.status());
  const desk = deskOf({ start, definition, settings, worker: () => worker, measured: () => last, restart: () => restart.abort() });
  // Before it joins the group: a port that is taken would end it there.
  const health = await serve(start, () => worker.status(), metrics, desk);
  const group = { groupId: start.groupId, topics: topicsOf(settings) };
  const worker = pausable({
    isPaused: start.isPaused === true,
    signal: ending,
    begin: (membership) =>
      runWorker({
        connector,
        connect: connectTo(async () => (await openCluster(start.cluster, process.env)).cluster, group),
        startingPosition: startingPosition(settings),
        policy: settings.worker,
        batchTimeoutMs: start.batchTimeoutMs,
        untilCaughtUp: start.untilCaughtUp,
        signal: membership,
        clock: realClock,
        log,
        tell: say,
        fetched: metrics.fetched,
      }),
  });
  let last = measure();
  const unregister = await register(process.cwd(), {
    ...{ service: start.service, stage: start.stage, connector: start.name },
    ...{ pid: process.pid, url: health.url, token: desk.token },
  }).catch(() => undefined); // where nothing can be written, only --workers finds it
  const tick = (): void => {
    last = measure();
    say({ type: 'progress', progress: last });
  };
  const timer = setInterval(tick, progressMs);
  const { reason, isCommitted, trouble } = await worker.ended;
  clearInterval(timer);
  tick();
  await unregister?.();
  // A target that hangs does not keep what is done from ending.
  await unlessAborted(connector.close(), AbortSignal.timeout(closeTimeoutMs)).catch(() => undefined);
  await health.close();
  const isRestarting = restart.signal.aborted && !signal.aborted && reason === 'stopped';
  say({
    ...{ type: 'ended', reason: isRestarting ? 'restarting' : reason, isCommitted },
    ...(trouble === undefined ? {} : { code: trouble.code, message: trouble.message }),
  });
}

interface Desk {
  readonly start: ConnectorStart;
  readonly definition: ConnectorDefinition;
  readonly settings: ConnectorSettings;
  readonly worker: () => PausableWorker;
  readonly measured: () => Progress;
  readonly restart: () => void;
}

/** Where the worker takes requests from outside. */
function deskOf({ start, definition, settings, worker, measured, restart }: Desk): WorkerDesk {
  const { service, stage, name, groupId, cluster } = start;
  const given = process.env['SLUICE_CONTROL_TOKEN'];
  return {
    token: given === undefined || given === '' ? randomBytes(24).toString('base64url') : given,
    report() {
      const { state: _, lag: __, rate, deliveredRate, trouble: ___, ...counts } = measured();
      return {
        service,
        stage,
        connector: name,
        groupId,
        ...worker().status(),
        counts,
        inPerSecond: rate,
        deliveredPerSecond: deliveredRate,
      };
    },
    async pause() {
      await worker().pause();
      say({ type: 'paused' });
    },
    resume() {
      worker().resume();
      say({ type: 'resumed' });
    },
    restart,
    check: () =>
      checkConnector({
        ...{ connector: name, sink: definition.sink, settings, cluster, groups: [groupId], env: process.env },
        signal: AbortSignal.timeout(checkTimeoutMs),
      }),
  };
}

async function open(
  start: ConnectorStart,
  settings: ConnectorSettings,
  metrics: ReturnType<typeof workerMetrics>,
  log: Log,
): Promise<{ readonly definition: ConnectorDefinition; readonly connector: Connector }> {
  const definition = await loadDefinition(start.handlerFile, start.exportName);
  const connector = await openConnector(definition, {
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
  return { definition, connector };
}

async function serve(
  { metricsPort, metricsHost }: ConnectorStart,
  status: () => Status,
  metrics: ReturnType<typeof workerMetrics>,
  desk: WorkerDesk,
): Promise<HealthServer> {
  const host = metricsHost === undefined ? {} : { host: metricsHost };
  try {
    const server = await serveHealth({ status, metrics, desk, port: metricsPort ?? 0, ...host });
    if (metricsPort !== undefined) say({ type: 'serving', url: server.url });
    return server;
  } catch (cause) {
    throw new ConfigError('PORT_TAKEN', `Port ${metricsPort} cannot be listened on. Say another with --metrics-port.`, { cause });
  }
}

function startingPosition({ trigger }: ConnectorSettings): StartingPosition {
  const { startingPosition: at, startingPositionTimestamp: seconds = 0 } = trigger;
  return at === 'AT_TIMESTAMP' ? { at, timestamp: seconds * 1_000 } : { at };
}

function measurer(counts: () => Counts, status: () => Status): () => Progress {
  let before = { in: 0, delivered: 0, at: realClock.now() };
  return () => {
    const current = counts();
    const { state, lag, trouble } = status();
    const now = realClock.now();
    const perSecond = (records: number): number => (now > before.at ? Math.round((records * 1_000) / (now - before.at)) : 0);
    const [rate, deliveredRate] = [perSecond(current.in - before.in), perSecond(current.delivered - before.delivered)];
    before = { in: current.in, delivered: current.delivered, at: now };
    return { ...current, state, lag, rate, deliveredRate, ...(trouble === undefined ? {} : { trouble: trouble.code }) };
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
