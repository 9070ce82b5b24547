import type { ConnectorMessage, Progress } from './run-messages.ts';
import { count, counted, type Terminal } from './terminal.ts';

/** What a person, or with --json a program, gets to know of one connector. */
export interface RunReport {
  heard(message: ConnectorMessage): void;
  printed(line: string, stream: 'stdout' | 'stderr'): void;
  restarts(reason: string, waitMs: number): void;
  gaveUp(reason: string): void;
}

/** One JSON object a line, each with the time, the connector and the event. */
export function jsonReport(out: Terminal, connector: string, now: () => number): RunReport {
  const line = (fields: Readonly<Record<string, unknown>>): void =>
    out.line(JSON.stringify({ time: new Date(now()).toISOString(), connector, ...fields }));
  return {
    heard({ type, ...rest }) {
      line({ event: type, ...('progress' in rest ? rest.progress : rest) });
    },
    printed: (text, stream) => line({ event: 'output', stream, line: text }),
    restarts: (reason, waitMs) => line({ event: 'restarting', reason, waitMs }),
    gaveUp: (reason) => line({ event: 'gave-up', reason }),
  };
}

const stateWidth = 22;

/** One line per fact; nothing as long as there is nothing to say. */
export function humanReport(out: Terminal, name: string, width: number): RunReport {
  const prefix = `  ${name.padEnd(width)}   `;
  let last: Progress | undefined;
  const fact = (state: string, text: string, style?: 'red' | 'yellow' | 'green'): void => {
    const padded = state.padEnd(stateWidth);
    const [first = '', ...more] = text.split('\n');
    out.line(`${prefix}${style === undefined ? padded : out.style(style, padded)} ${first}`.trimEnd());
    for (const each of more) out.line(`${' '.repeat(prefix.length + stateWidth)} ${each}`);
  };

  return {
    heard(message) {
      switch (message.type) {
        case 'progress':
          last = message.progress;
          return;
        case 'joined':
          return fact('joined', partitions(message.partitions));
        case 'waiting':
          return fact('waiting for the target', `${message.code}  ${message.message}`, 'yellow');
        case 'disconnected':
          return fact('waiting for Kafka', `${message.code}  ${message.message}`, 'yellow');
        case 'blocked':
          return fact('blocked: needs you', `${message.code}  ${message.message}\nIt goes on by itself then, nothing is lost.`, 'red');
        case 'recovered':
          return fact('goes on', `after ${duration(message.afterMs)}`, 'green');
        case 'serving':
          return fact('serves', `${message.url}/metrics  /readyz  /healthz`);
        case 'stopping':
          return;
        case 'paused':
          return fact('paused', `It left the consumer group. Go on: npx sluice resume ${name}`, 'yellow');
        case 'resumed':
          return fact('resumed', '', 'green');
        case 'unusable':
          return fact('cannot run', `${message.code}  ${message.message}`, 'red');
        case 'ended':
          return ended(message);
      }
    },
    printed(line, stream) {
      out.line(`${prefix}${stream === 'stderr' ? out.style('dim', readable(line)) : line}`);
    },
    restarts: (reason, waitMs) => fact('starts again', `in ${duration(waitMs)}, as ${reason}`, 'yellow'),
    gaveUp: (reason) => fact('crashed', `and is not started again: ${reason}`, 'red'),
  };

  function ended({ reason, isCommitted, code, message }: ConnectorMessage & { readonly type: 'ended' }): void {
    const counts = last === undefined ? '' : summary(last, out);
    if (reason === 'caught-up') fact('caught up', counts, 'green');
    else if (reason === 'stopped') fact('stopped', counts);
    else if (reason === 'restarting') fact('restarts', counts);
    else {
      const why = code === undefined ? 'nothing moved any more' : `${code}  ${message}`;
      fact('not caught up', `${why}\n${counteds(last)}${counts}`, 'red');
    }
    if (!isCommitted) fact('', 'Not everything could be committed: some records will come again.', 'yellow');
  }
}

function counteds(last: Progress | undefined): string {
  return last === undefined || last.lag === 0 ? '' : `${counted(last.lag, 'record')} to go   `;
}

function summary({ delivered, dropped, ignored, deadLettered, skipped }: Progress, out: Terminal): string {
  const parts = [
    `${count(delivered)} delivered`,
    dropped > 0 ? `${count(dropped)} dropped by the transform` : '',
    ignored > 0 ? `${count(ignored)} ignored (newer data is there)` : '',
    deadLettered > 0 ? out.style('yellow', `${count(deadLettered)} dead-lettered`) : '',
    skipped > 0 ? out.style('yellow', `${count(skipped)} put aside`) : '',
  ];
  return parts.filter((part) => part !== '').join('   ');
}

/** `6 partitions of quakes`, or what it means to have none. */
function partitions(names: readonly string[]): string {
  if (names.length === 0) return 'the group, and stands by: others have all partitions';
  const topics = Map.groupBy(names, (name) => name.slice(0, name.lastIndexOf('-')));
  return [...topics].map(([topic, own]) => `${counted(own.length, 'partition')} of ${topic}`).join(', ');
}

function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** Our own log lines are JSON; people read the message and what belongs to it. */
function readable(line: string): string {
  if (!line.startsWith('{"time"')) return line;
  try {
    const { time: _, level, message, connector: __, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const rest = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
    return [level, message, ...rest].join('  ');
  } catch {
    return line;
  }
}
