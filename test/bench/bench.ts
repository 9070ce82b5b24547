import { relative } from 'node:path';
import { benchBadRows } from './bad-rows.ts';
import { benchFunctions } from './functions.ts';
import { benchHandler } from './handler.ts';
import { type BenchOptions, type Finding, type Results, store } from './results.ts';
import { toTable } from './table.ts';
import { benchWorker } from './worker.ts';

// npm run bench [-- --quick] [-- NAME[:CONFIGURATION] ...]
const benchmarks: Readonly<Record<string, (options: BenchOptions) => Promise<Finding>>> = {
  handler: benchHandler,
  functions: benchFunctions,
  worker: benchWorker,
  badRows: benchBadRows,
};

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const chosen = words.filter((word) => !word.startsWith('-')).map((word) => word.split(':', 2) as [string, string?]);
const unknown = [
  ...chosen.flatMap(([name]) => (Object.hasOwn(benchmarks, name) ? [] : [name])),
  ...words.filter((word) => word.startsWith('-') && word !== '--quick'),
];
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. Known are --quick and ${Object.keys(benchmarks).join(', ')}.`);
  process.exit(2);
}

const startedAt = performance.now();
const say = (text: string): void => console.error(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${text}`);
const findings: Finding[] = [];
for (const [name, bench] of Object.entries(benchmarks)) {
  const own = chosen.filter(([each]) => each === name);
  if (chosen.length > 0 && own.length === 0) continue;
  findings.push(await bench({ quick, only: own.flatMap(([, configuration]) => configuration ?? []), say }));
}

console.log(`\n${toTable(findings.flatMap(({ figures }) => figures))}\n`);
const results: Results = Object.assign({}, ...findings.map((finding) => finding.results));
if (quick) console.log('Nothing is stored by a quick run.');
else console.log(`Stored in ${relative('.', store(results))}.`);
