import { describe, expect, it } from 'vitest';
import { connectorReport } from '../../../lib/cli/dev-report.ts';
import { type Output, terminal } from '../../../lib/cli/terminal.ts';
import { embeddedMetrics } from '../../../lib/platforms/lambda/metrics.ts';

const counts = {
  records: 1_713,
  delivered: 1_707,
  ignored: 0,
  dropped: 0,
  deadLettered: 6,
  skipped: 0,
  redelivered: 0,
  configErrors: 0,
  durationMs: 3,
  oldestRecordMs: 0,
};

function report(output: Partial<Output> = {}, env: Readonly<Record<string, string>> = {}) {
  let text = '';
  const out = terminal({ ...output, write: (part) => (text += part) }, env);
  return { own: connectorReport(out, 'quakes', 8), text: () => text };
}

describe('the report of sluice dev', () => {
  it("adds up the metrics of the function's output and does not print them", () => {
    const { own, text } = report();
    own.line(embeddedMetrics(counts, { service: 's', stage: 'dev', connector: 'quakes' }, 1), 'stdout');
    own.line('{"_aws":{"CloudWatchMetrics":[{"Namespace":"Theirs"}]}}', 'stdout');
    own.summary();
    expect(text()).toBe('{"_aws":{"CloudWatchMetrics":[{"Namespace":"Theirs"}]}}\n  quakes     1,707 records delivered   6 dead letters\n');
  });

  it('shortens log lines and leaves what else the function prints as it is', () => {
    const { own, text } = report();
    own.line('{"time":"2026-01-01T00:00:00.000Z","level":"warn","message":"Records were put aside","skipped":2,"dropped":0}', 'stdout');
    own.line('M 5.2  somewhere', 'stdout');
    expect(text()).toBe('  quakes     warn   Records were put aside  skipped=2\nM 5.2  somewhere\n');
  });

  it('says what failed, from where, and when it comes again', () => {
    const { own, text } = report();
    const first = { topic: 'quakes', partition: 1, offset: 17 };
    own.mapping({ kind: 'failed', because: 'SINK_UNAVAILABLE  down', attempt: 2, records: 100, first, waitMs: 1_000 });
    expect(text()).toBe(
      '  quakes     attempt 2 failed  SINK_UNAVAILABLE  down\n             100 records, from quakes-1@17, will come again in 1 s\n',
    );
  });

  it('uses colours on a terminal only, and never with NO_COLOR', () => {
    const red = (output: Partial<Output>, env: Readonly<Record<string, string>>) => {
      const { own, text } = report(output, env);
      own.failed(new Error('down'));
      return text().includes('\u001b[31m');
    };
    expect([red({ isTTY: true }, {}), red({}, {}), red({ isTTY: true }, { NO_COLOR: '1' })]).toEqual([true, false, false]);
  });
});
