import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changes, readExpected } from '../../../lib/cli/samples/expected.ts';
import type { SampleResult } from '../../../lib/cli/samples/result.ts';
import { terminal } from '../../../lib/cli/terminal.ts';
import { type ConnectorTrial, printTrial, trialJson } from '../../../lib/cli/test-report.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-report-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

function trial(results: ReadonlyMap<string, SampleResult>, expected?: string): ConnectorTrial {
  return {
    name: 'quakes-to-postgres',
    root,
    results,
    expectedFile: 'test/samples/quakes-to-postgres.expected.jsonl',
    hasExpected: expected !== undefined,
    written: false,
    failures: [...results].filter(([, result]) => 'failed' in result),
    changes: expected === undefined ? [] : changes(results, readExpected(expected, 'q')),
  };
}

function printed(report: ConnectorTrial): string {
  let text = '';
  printTrial(report, 18, terminal({ write: (chunk) => (text += chunk) }, {}));
  return text;
}

const one = (value: unknown): SampleResult => ({ records: [{ key: 'a', value }] });

describe('the report of a connector', () => {
  it('shows where a transform threw, and what was not there', async () => {
    await writeFile(join(root, 'q.ts'), 'a\n  magnitude: record.value.mag.toFixed(1),\n');
    const message = "Cannot read properties of null (reading 'toFixed')";
    const stack = `TypeError: ${message}\n    at format (node:internal/x:1:1)\n    at transform (file://${root}/q.ts:2:31)\n    at prepare (file://${root}/node_modules/sluice/p.js:1:1)`;
    const failed: SampleResult = {
      failed: { code: 'TRANSFORM_FAILED', message: 'The transform threw TypeError', cause: { message, stack } },
    };
    const report = trial(new Map([['quakes-1@88', failed]]), '');
    expect(printed(report)).toBe(`  ✗ quakes-to-postgres   1 sample   1 failed

    quakes-1@88   TRANSFORM_FAILED   Cannot read properties of null (reading 'toFixed')
                  q.ts:2:31
                  2 |   magnitude: record.value.mag.toFixed(1),
                    |                               ^ record.value.mag is null

`);
    expect(trialJson(report)).toMatchObject({
      failed: 1,
      unexpectedFailures: ['quakes-1@88'],
      results: [{ sample: 'quakes-1@88', failed: { code: 'TRANSFORM_FAILED', message, at: 'q.ts:2:31' } }],
    });
  });

  it('counts what became of the samples and shows what has changed', () => {
    const results = new Map([
      ['quakes-0@41', one({ mag: 5.2 })],
      ['quakes-0@42', { records: [] }],
      ['quakes-0@43', { records: [{ value: 1 }, { value: 2 }] }],
    ]);
    const expected =
      '{"sample":"quakes-0@41","records":[{"key":"a","value":{"mag":"5.20"}}]}\n{"sample":"quakes-0@42","records":[]}\n{"sample":"quakes-0@43","records":[{"value":1},{"value":2}]}';
    expect(printed(trial(results, expected))).toBe(`  ✗ quakes-to-postgres   3 samples   1 → 1 record   1 → 2 records   1 dropped

    changed since the expected file (test/samples/quakes-to-postgres.expected.jsonl):
      quakes-0@41   - value.mag: "5.20"
                    + value.mag: 5.2
    If this is what you want: npx sluice test quakes-to-postgres --update

`);
  });

  it('shows the records where there is nothing to compare with', () => {
    expect(printed(trial(new Map([['quakes-0@41', one(9_007_199_254_740_993n)]])))).toBe(`  ✓ quakes-to-postgres   1 sample   1 → 1 record
    quakes-0@41   {"key":"a","value":9007199254740993}
    Nothing to compare with yet: npx sluice test quakes-to-postgres --update writes test/samples/quakes-to-postgres.expected.jsonl
`);
  });
});
