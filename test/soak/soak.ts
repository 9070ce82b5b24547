import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setStage } from '../support/chaos/stage.ts';
import { isCalm, type StormConnector, storm } from '../support/chaos/storm.ts';

// npm run soak [-- MINUTES]: records come all the time, and faults too. SLUICE_SEED repeats an order of faults.
const minutes = Number(process.argv[2] ?? 5);
const seed = Number(process.env['SLUICE_SEED'] ?? Date.now() % 2 ** 31);
if (!(minutes > 0 && minutes <= 600)) {
  console.error('Expected a number of minutes up to 600, e.g. npm run soak -- 5');
  process.exit(2);
}

const latest = fileURLToPath(new URL('results/latest.json', import.meta.url));
const shown = 20;
const recordsPerSecond = { upsert: 2_500, insert: 500 } as const;
const durationMs = minutes * 60_000;
const records = (mode: keyof typeof recordsPerSecond): number => Math.ceil((recordsPerSecond[mode] * durationMs) / 1_000);
const connectors: readonly StormConnector[] = [
  { mode: 'upsert', records: records('upsert'), partitions: 6, sharedKeys: 2_000, tombstones: 0.02, workers: 3 },
  { mode: 'insert', records: records('insert'), partitions: 6, sharedKeys: 200, tombstones: 0, workers: 2 },
];

console.log(`SLUICE_SEED=${seed}, ${minutes} minutes`);
const report = await storm(await setStage(), {
  seed,
  connectors,
  producingMs: durationMs,
  ragingMs: durationMs,
  pace: { records: 20_000, maxMs: 10_000 },
  patienceMs: 300_000,
  tell: (event) => console.log(event),
});
const isGood = isCalm(report);
const stored = {
  at: new Date().toISOString(),
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: dirname(latest).replace(/results$/, ''), encoding: 'utf8' }).trim(),
  node: process.versions.node,
  cores: availableParallelism(),
  minutes,
  isGood,
  seed,
  seconds: report.seconds,
  faults: countFaults(report.faults),
  connectors: report.connectors.map((own) => ({
    ...own,
    uncommitted: own.uncommitted.slice(0, shown),
    rowFaults: own.rowFaults.slice(0, shown),
    letterFaults: own.letterFaults.slice(0, shown),
  })),
};
mkdirSync(dirname(latest), { recursive: true });
writeFileSync(latest, `${JSON.stringify(stored, undefined, 2)}\n`);
console.log(JSON.stringify(stored, undefined, 2));
console.log(isGood ? 'Nothing was lost, repeated or undone.' : 'SOMETHING IS WRONG: see above.');
process.exitCode = isGood ? 0 : 1;

/** How often each fault happened. */
function countFaults(faults: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fault of faults) {
    const kind = fault
      .replace(/^[\d.]+ s: /, '')
      .replace(/numbers-(upsert|insert)-\d+/, 'a worker')
      .replace(/( \(\d\))?(,.*| (for|by|after) \d+ ms.*)/, '')
      .replace(/^\d+ /, '');
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
