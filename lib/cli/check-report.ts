import type { Check } from '../platforms/checks.ts';
import { wrapped } from './table.ts';
import type { Terminal } from './terminal.ts';

const lineWidth = 100;

/** One line for each check; what failed says below how it is mended. */
export function checkLines(checks: readonly Check[], out: Terminal): string[] {
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const subjectWidth = Math.min(48, Math.max(...checks.map(({ subject }) => subject.length)));
  const indent = ' '.repeat(nameWidth + 7);
  return checks.flatMap(({ name, state, subject, detail, fix }) => {
    const line = `  ${markOf(state, out)} ${name.padEnd(nameWidth)}   ${subject.padEnd(subjectWidth)}   ${detail}`.trimEnd();
    if (state !== 'failed' || fix === undefined) return [line];
    return [line, ...wrapped(fix.replaceAll('\n', ' '), lineWidth).map((each) => indent + each)];
  });
}

function markOf(state: Check['state'], out: Terminal): string {
  if (state === 'ok') return out.style('green', '✓');
  return state === 'failed' ? out.style('red', '✗') : out.style('dim', '–');
}
