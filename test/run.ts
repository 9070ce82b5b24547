import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { count, type Report } from './support/report.ts';

// npm test [-- TIER ...] [-- NAME ...] [-- VITEST_OPTION ...]
const tiers = ['unit', 'contract', 'integration', 'deploy', 'newcomer'];
const servers = ['kafka', 'postgres', 'elasticsearch', 'opensearch', 's3', 'aws'];
const root = fileURLToPath(new URL('..', import.meta.url));

const words = process.argv.slice(2);
const chosen = words.filter((word) => tiers.includes(word));
const selected = chosen.length > 0 ? chosen : tiers;
const rest = words.filter((word) => !tiers.includes(word));
const names = rest.filter((word) => !word.startsWith('-'));

const needed = await neededServers();
console.log(
  `Running ${selected.join(', ')}${names.length > 0 ? ` matching ${names.join(', ')}` : ''}; real servers: ${needed.join(', ') || 'none'}.`,
);

const reportDir = mkdtempSync(join(tmpdir(), 'sluice-report-'));
const reportFile = join(reportDir, 'report.json');
const exitCode = await runVitest();
const { passed, failed, notRun } = count(readReport(), exitCode);
rmSync(reportDir, { recursive: true, force: true });
for (const title of notRun) console.log(`NOT RUN: ${title}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** The servers that the selected files mention, so that all of them start at once and while the unit tests run. */
async function neededServers(): Promise<string[]> {
  const mentioned = new Set<string>();
  for (const tier of selected.filter((name) => name !== 'unit')) {
    for await (const file of glob(`test/${tier}/**/*.test.ts`, { cwd: root })) {
      if (names.length > 0 && !names.some((name) => file.includes(name))) continue;
      const text = readFileSync(join(root, file), 'utf8');
      for (const server of servers) if (text.includes(`'${server}'`)) mentioned.add(server);
    }
  }
  return servers.filter((server) => mentioned.has(server));
}

function runVitest(): Promise<number> {
  const projects = selected.flatMap((tier) => ['--project', tier]);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  // kafkajs computes a negative pause once per process; Node's remark on it helps nobody.
  const child = spawn(process.execPath, ['--disable-warning=TimeoutNegativeWarning', vitest, 'run', ...projects, ...reporters, ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SLUICE_WARM: needed.join(',') },
  });
  // Ctrl-C reaches both: vitest ends its files and the servers, and this process reports what there is.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}

function readReport(): Report | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    return undefined;
  }
}
