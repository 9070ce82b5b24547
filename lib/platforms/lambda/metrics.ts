import type { BatchMeasurement } from '../../core/connector.ts';

/** The metrics of one invocation. Their names are those in dashboards and alarms. */
export interface InvocationMetrics {
  readonly records: number;
  readonly delivered: number;
  readonly ignored: number;
  readonly dropped: number;
  readonly deadLettered: number;
  readonly skipped: number;
  readonly redelivered: number;
  /** 1 when something has to be changed by a person before this batch can go on. */
  readonly configErrors: number;
  readonly durationMs: number;
  /** Age of the oldest record of the batch when it came. */
  readonly oldestRecordMs: number;
}

/** What all metrics of a function carry. */
export interface MetricDimensions {
  readonly service: string;
  readonly stage: string;
  readonly connector: string;
}

/** The CloudWatch namespace of what functions measure. */
export const metricsNamespace = 'Sluice';
const nothing: InvocationMetrics = {
  records: 0,
  delivered: 0,
  ignored: 0,
  dropped: 0,
  deadLettered: 0,
  skipped: 0,
  redelivered: 0,
  configErrors: 0,
  durationMs: 0,
  oldestRecordMs: 0,
};
const names = Object.keys(nothing) as readonly (keyof InvocationMetrics)[];

/** What became of a batch, as metrics. */
export function batchMetrics({ lastError, ms, ...counts }: BatchMeasurement, oldestRecordMs: number): InvocationMetrics {
  return { ...counts, durationMs: ms, oldestRecordMs, configErrors: lastError?.class === 'config' ? 1 : 0 };
}

/** For an invocation that ended before there was a batch, because something has to be changed first. */
export const misconfigured: InvocationMetrics = { ...nothing, configErrors: 1 };

/** One line in CloudWatch's embedded metric format: written to standard output, it becomes metrics without a call to any API. */
export function embeddedMetrics(metrics: InvocationMetrics, dimensions: MetricDimensions, timestamp: number): string {
  const definitions = names.map((name) => ({ Name: name, Unit: name.endsWith('Ms') ? 'Milliseconds' : 'Count' }));
  const directive = { Namespace: metricsNamespace, Dimensions: [Object.keys(dimensions)], Metrics: definitions };
  return JSON.stringify({ _aws: { Timestamp: timestamp, CloudWatchMetrics: [directive] }, ...dimensions, ...metrics });
}

/** The metrics that a line of a function's output holds; undefined for any other line. */
export function readEmbeddedMetrics(line: string): InvocationMetrics | undefined {
  if (!line.startsWith('{"_aws":')) return undefined;
  try {
    const { _aws: directive, ...fields } = JSON.parse(line) as {
      readonly _aws?: { readonly CloudWatchMetrics?: readonly { Namespace?: string }[] };
    };
    if (directive?.CloudWatchMetrics?.[0]?.Namespace !== metricsNamespace) return undefined;
    return { ...nothing, ...fields };
  } catch {
    return undefined;
  }
}
