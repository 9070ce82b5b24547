import { ConnectorError } from '../core/errors.ts';
import { originName } from '../core/record.ts';
import type { MappingReport } from '../platforms/lambda/emulator/mapping.ts';
import { type InvocationMetrics, readEmbeddedMetrics } from '../platforms/lambda/metrics.ts';
import { count, counted, type Terminal } from './terminal.ts';

/** What a person sees of one connector. */
export interface ConnectorReport {
  fact(name: string, text: string): void;
  /** A line that the function printed. */
  line(line: string, stream: 'stdout' | 'stderr'): void;
  readonly mapping: (report: MappingReport) => void;
  failed(error: unknown): void;
  summary(): void;
}

type Counts = Omit<InvocationMetrics, 'configErrors' | 'durationMs' | 'oldestRecordMs'>;

/** Prints what happens to the connector, its name padded to the width of the longest. */
export function connectorReport(out: Terminal, name: string, width: number, delivered = 'delivered'): ConnectorReport {
  const title = `  ${name.padEnd(width)}   `;
  const indent = ' '.repeat(title.length);
  const totals: { -readonly [metric in keyof Counts]: number } = {
    records: 0,
    delivered: 0,
    ignored: 0,
    dropped: 0,
    deadLettered: 0,
    skipped: 0,
    redelivered: 0,
  };
  let isTitled = false;
  let failure: string | undefined;

  const add = (metrics: InvocationMetrics): void => {
    for (const metric of Object.keys(totals) as (keyof Counts)[]) totals[metric] += metrics[metric];
  };

  return {
    fact(word, text) {
      out.line(`${isTitled ? indent : title}${word.padEnd(8)} ${text}`);
      isTitled = true;
    },
    line(line, stream) {
      const metrics = readEmbeddedMetrics(line);
      if (metrics !== undefined) return add(metrics);
      const entry = readLogLine(line);
      if (entry === undefined) return out.line(stream === 'stderr' ? out.style('dim', line) : line);
      const colour = entry.level === 'error' ? 'red' : entry.level === 'warn' ? 'yellow' : 'dim';
      out.line(`${title}${out.style(colour, entry.level.padEnd(5))}  ${entry.text}`);
    },
    mapping(report) {
      if (report.kind === 'lost') {
        const advice = 'In batch mode nobody looks at batchItemFailures, so these records are lost. Throw instead, or set trigger.pollers.';
        failure = `${counted(report.records, 'reported failure')} ignored`;
        out.line(`${title}${out.style('red', failure)}\n${indent}${advice}`);
      }
      if (report.kind !== 'failed') return;
      const first = report.first === undefined ? '' : `, from ${originName(report.first)}`;
      failure = report.because;
      out.line(`${title}${out.style('yellow', `attempt ${report.attempt} failed`)}  ${report.because}`);
      out.line(`${indent}${counted(report.records, 'record')}${first}, will come again in ${report.waitMs / 1000} s`);
    },
    failed(error) {
      failure = error instanceof Error ? error.message : String(error);
      const code = error instanceof ConnectorError ? `${error.code}  ` : '';
      out.line(`${title}${out.style('red', `${code}${failure}`)}`);
    },
    summary() {
      const parts = [
        `${counted(totals.delivered, 'record')} ${delivered}`,
        totals.dropped > 0 ? `${count(totals.dropped)} dropped by the transform` : '',
        totals.ignored > 0 ? `${count(totals.ignored)} ignored` : '',
        totals.deadLettered > 0 ? out.style('yellow', counted(totals.deadLettered, 'dead letter')) : '',
        totals.skipped > 0 ? out.style('yellow', `${count(totals.skipped)} put aside`) : '',
      ];
      out.line(`${title}${parts.filter((part) => part !== '').join('   ')}`);
      if (failure !== undefined) out.line(`${indent}last failure: ${failure}`);
    },
  };
}

/** The same for programs: one JSON object a line, each with the connector and what it is about. */
export function jsonConnectorReport(out: Terminal, connector: string): ConnectorReport {
  const totals: Record<string, number> = {};
  let failure: string | undefined;
  const say = (event: string, fields: Readonly<Record<string, unknown>>): void => out.line(JSON.stringify({ connector, event, ...fields }));
  return {
    fact: (word, text) => say('fact', { fact: word, text }),
    line(line, stream) {
      const metrics = readEmbeddedMetrics(line);
      if (metrics === undefined) return say('output', { stream, line });
      for (const [name, value] of Object.entries(metrics))
        if (typeof value === 'number' && !name.endsWith('Ms') && name !== 'configErrors') totals[name] = (totals[name] ?? 0) + value;
    },
    mapping(report) {
      if (report.kind === 'lost') failure = `${counted(report.records, 'reported failure')} ignored`;
      if (report.kind === 'failed') failure = report.because;
      say(report.kind, { ...report });
    },
    failed(error) {
      failure = error instanceof Error ? error.message : String(error);
      say('failed', { ...(error instanceof ConnectorError ? { code: error.code } : {}), message: failure });
    },
    summary: () => say('summary', { ...totals, ...(failure === undefined ? {} : { failure }) }),
  };
}

/** A line of the function's own log, shorter; undefined for any other line. */
function readLogLine(line: string): { readonly level: string; readonly text: string } | undefined {
  if (!line.startsWith('{"time":')) return undefined;
  try {
    const { time: _, level, message, requestId: __, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const rest = Object.entries(fields).filter(([, value]) => value !== 0 && value !== null);
    return { level: String(level), text: [String(message), ...rest.map(([name, value]) => `${name}=${String(value)}`)].join('  ') };
  } catch {
    return undefined;
  }
}
