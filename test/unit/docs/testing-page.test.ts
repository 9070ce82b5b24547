import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readExpected, toExpectedText } from '../../../lib/cli/samples/expected.ts';
import { readSamples, toSampleLine } from '../../../lib/cli/samples/sample-lines.ts';

const page = readFileSync(fileURLToPath(new URL('../../../docs/testing.md', import.meta.url)), 'utf8');
const [sample = '', expected = ''] = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text]) => text);

it('the page on testing shows a sample as it is read and written', () => {
  const [read] = readSamples(sample, 'orders.jsonl', 'orders');
  expect(read?.name).toBe('orders-0@41');
  expect(`${toSampleLine(read!.source)}\n`).toBe(sample);
});

it('the page on testing shows expected records as they are read and written', () => {
  const results = new Map(
    [...readExpected(expected, 'orders.expected.jsonl')].map(([name, each]) => [
      name,
      'failed' in each ? { failed: { code: each.failed, message: '' } } : each,
    ]),
  );
  expect(toExpectedText(results)).toBe(expected);
});
