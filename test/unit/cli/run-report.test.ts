import { describe, expect, it } from 'vitest';
import type { ConnectorMessage, Progress } from '../../../lib/cli/run-messages.ts';
import { humanReport, jsonReport } from '../../../lib/cli/run-report.ts';
import { terminal } from '../../../lib/cli/terminal.ts';

const progress: Progress = {
  ...{ in: 1_720, delivered: 1_700, ignored: 3, dropped: 12, deadLettered: 5, skipped: 0, redelivered: 0, retries: 1 },
  ...{ state: 'running', lag: 0, rate: 320, deliveredRate: 310 },
};

function printer(isTTY = false) {
  const lines: string[] = [];
  const output = { isTTY, write: (text: string) => void lines.push(text.replace(/\n$/, '')) };
  return { lines, out: terminal(output, {}) };
}

function humanLines(...messages: readonly ConnectorMessage[]): readonly string[] {
  const { lines, out } = printer();
  const report = humanReport(out, 'orders', 8);
  for (const message of messages) report.heard(message);
  return lines;
}

describe('what a person reads of a connector', () => {
  it('counts the partitions of each topic, whatever dashes are in their names', () => {
    expect(humanLines({ type: 'joined', partitions: ['a-b-0', 'a-b-1', 'c-10'] })).toEqual([
      '  orders     joined                 2 partitions of a-b, 1 partition of c',
    ]);
  });

  it('says what it means to have no partition', () => {
    expect(humanLines({ type: 'joined', partitions: [] })[0]).toContain('stands by: others have all partitions');
  });

  it('prints nothing for measurements and sums them up at the end', () => {
    const lines = humanLines(
      { type: 'progress', progress },
      { type: 'stopping' },
      { type: 'ended', reason: 'caught-up', isCommitted: true },
    );
    expect(lines).toEqual([
      '  orders     caught up              1,700 delivered   12 dropped by the transform   3 ignored (newer data is there)   5 dead-lettered',
    ]);
  });

  it('tells what is in the way when not everything was delivered, and how much that is', () => {
    const lines = humanLines(
      { type: 'progress', progress: { ...progress, lag: 1 } },
      { type: 'ended', reason: 'stuck', isCommitted: false, code: 'SINK_MISCONFIGURED', message: 'The table does not exist. Create it.' },
    );
    expect(lines.map((line) => line.trim())).toEqual([
      'orders     not caught up          SINK_MISCONFIGURED  The table does not exist. Create it.',
      expect.stringMatching(/^1 record to go {3}1,700 delivered/),
      expect.stringMatching(/^orders +Not everything could be committed: some records will come again\.$/),
    ]);
  });

  it('says so when nothing is in the way and yet nothing moved', () => {
    expect(humanLines({ type: 'ended', reason: 'stuck', isCommitted: true })[0]).toContain('nothing moved any more');
  });

  it('asks for a person where one is needed, and only there', () => {
    const why = { code: 'SINK_UNAUTHORIZED', message: 'Check connector.sink.apiKey.' };
    expect(humanLines({ type: 'blocked', ...why }).map((line) => line.trim())).toEqual([
      'orders     blocked: needs you     SINK_UNAUTHORIZED  Check connector.sink.apiKey.',
      'It goes on by itself then, nothing is lost.',
    ]);
    for (const type of ['waiting', 'disconnected'] as const) expect(humanLines({ type, ...why }).join()).not.toContain('needs you');
  });

  it('tells how long an outage took in units that fit', () => {
    const durations = [1_234, 65_000, 3_600_000].map((afterMs) => humanLines({ type: 'recovered', afterMs })[0]?.split('after ')[1]);
    expect(durations).toEqual(['1.2 s', '65 s', '60 min']);
  });

  it('reads log lines of ours, and leaves other lines as they are', () => {
    const { lines, out } = printer();
    const report = humanReport(out, 'orders', 6);
    const logged = { time: '2024-01-01T00:00:00.000Z', level: 'warn', message: 'A partition waits', connector: 'orders', partition: 'a-0' };
    report.printed(JSON.stringify(logged), 'stderr');
    report.printed('{"time" is no JSON', 'stderr');
    report.printed('{"time":1}', 'stdout');
    expect(lines.map((line) => line.trim())).toEqual([
      'orders   warn  A partition waits  partition=a-0',
      'orders   {"time" is no JSON',
      'orders   {"time":1}',
    ]);
  });

  it('says why a process starts again or does not', () => {
    const { lines, out } = printer();
    const report = humanReport(out, 'orders', 6);
    report.restarts('it ended with code 1', 12_300);
    report.gaveUp('it was ended by SIGKILL');
    expect(lines.map((line) => line.trim())).toEqual([
      'orders   starts again           in 12 s, as it ended with code 1',
      'orders   crashed                and is not started again: it was ended by SIGKILL',
    ]);
  });

  it('colours what needs attention on a terminal only', () => {
    const { lines, out } = printer(true);
    humanReport(out, 'orders', 6).gaveUp('it was ended by SIGKILL');
    expect(lines[0]).toContain('\u001b[31m');
  });
});

describe('what a program reads of a connector', () => {
  it('gets one JSON object a line with time, connector and event, whatever is printed', () => {
    const { lines, out } = printer(true);
    const report = jsonReport(out, 'orders', () => 0);
    report.heard({ type: 'progress', progress: { ...progress, trouble: 'SINK_UNAVAILABLE' } });
    report.heard({ type: 'joined', partitions: ['orders-0'] });
    report.printed('one\u2028 "line"\u001b[31m', 'stderr');
    report.restarts('it ended with code 1', 500);
    report.gaveUp('it ended with code 1');
    const base = { time: '1970-01-01T00:00:00.000Z', connector: 'orders' };
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...base, event: 'progress', ...progress, trouble: 'SINK_UNAVAILABLE' },
      { ...base, event: 'joined', partitions: ['orders-0'] },
      { ...base, event: 'output', stream: 'stderr', line: 'one\u2028 "line"\u001b[31m' },
      { ...base, event: 'restarting', reason: 'it ended with code 1', waitMs: 500 },
      { ...base, event: 'gave-up', reason: 'it ended with code 1' },
    ]);
    expect(lines.every((line) => !line.includes('\n'))).toBe(true);
  });
});
