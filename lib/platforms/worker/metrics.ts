import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { BatchMeasurement } from '../../core/connector.ts';
import type { WriteMeasurement } from '../../core/measure.ts';
import type { State, Status } from './status.ts';

/** What became of records since the worker started. */
export interface Counts {
  /** Fetched; a record that comes again counts again. */
  readonly in: number;
  readonly delivered: number;
  readonly ignored: number;
  readonly dropped: number;
  readonly deadLettered: number;
  readonly skipped: number;
  /** Not acknowledged, so that they come again. */
  readonly redelivered: number;
  readonly retries: number;
}

export interface Metrics {
  fetched(records: number): void;
  batch(measurement: BatchMeasurement): void;
  write(measurement: WriteMeasurement): void;
  retry(records: number): void;
  counts(): Counts;
  /** In Prometheus' text format. */
  text(status: Status): Promise<{ readonly type: string; readonly body: string }>;
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const states: readonly State[] = [
  'starting',
  'rebalancing',
  'running',
  'waiting',
  'blocked',
  'disconnected',
  'paused',
  'stopping',
  'stopped',
];

const counters = {
  in: ['sluice_records_in_total', 'Records fetched; one that comes again counts again.'],
  delivered: ['sluice_records_delivered_total', 'Records that the target took.'],
  ignored: ['sluice_records_ignored_total', 'Records that were older than what the target has.'],
  dropped: ['sluice_records_dropped_total', 'Records that the transform dropped.'],
  deadLettered: ['sluice_records_dead_lettered_total', 'Records written to the dead letter topic.'],
  skipped: ['sluice_records_skipped_total', 'Records that could not be delivered and were dropped, as onError: skip says.'],
  redelivered: ['sluice_records_redelivered_total', 'Records of a batch that were not acknowledged and come again.'],
  retries: ['sluice_retries_total', 'Writes tried again within a batch, counted in records.'],
} as const satisfies Record<keyof Counts, readonly [name: string, help: string]>;

/** Counts for people and for Prometheus, with the connector's name on each. */
export function workerMetrics(connector: string, now: () => number): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ connector });
  const registers = [registry];
  const counts = { in: 0, delivered: 0, ignored: 0, dropped: 0, deadLettered: 0, skipped: 0, redelivered: 0, retries: 0 };
  for (const [key, [name, help]] of Object.entries(counters) as [keyof Counts, readonly [string, string]][]) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(counts[key]);
      },
    });
  }
  const batchSeconds = new Histogram({
    name: 'sluice_batch_seconds',
    help: 'Time from a batch to its acknowledgement.',
    buckets: seconds,
    registers,
  });
  const writeSeconds = new Histogram({
    name: 'sluice_sink_write_seconds',
    help: 'Time of one write to the target.',
    buckets: seconds,
    registers,
  });
  const lag = new Gauge({
    name: 'sluice_partition_lag',
    help: 'Records between what is acknowledged and the end of the partition.',
    labelNames: ['partition'],
    registers,
  });
  const state = new Gauge({
    name: 'sluice_connector_state',
    help: '1 for the state that the connector is in.',
    labelNames: ['state'],
    registers,
  });
  const lastError = new Gauge({
    name: 'sluice_last_error_timestamp_seconds',
    help: 'When the last error happened, by its code.',
    labelNames: ['class', 'code'],
    registers,
  });

  return {
    fetched(records) {
      counts.in += records;
    },
    batch(measurement) {
      counts.delivered += measurement.delivered;
      counts.ignored += measurement.ignored;
      counts.dropped += measurement.dropped;
      counts.deadLettered += measurement.deadLettered;
      counts.skipped += measurement.skipped;
      counts.redelivered += measurement.redelivered;
      batchSeconds.observe(measurement.ms / 1000);
      if (measurement.lastError === undefined) return;
      lastError.reset();
      lastError.set({ class: measurement.lastError.class, code: measurement.lastError.code }, now() / 1000);
    },
    write({ ms }) {
      writeSeconds.observe(ms / 1000);
    },
    retry(records) {
      counts.retries += records;
    },
    counts: () => ({ ...counts }),
    async text(status) {
      lag.reset();
      for (const { partition, lag: records } of status.partitions) if (records !== undefined) lag.set({ partition }, records);
      for (const each of states) state.set({ state: each }, each === status.state ? 1 : 0);
      return { type: registry.contentType, body: await registry.metrics() };
    },
  };
}
