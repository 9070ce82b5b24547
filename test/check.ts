import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findViolations } from './support/arrows.ts';

interface Check {
  readonly name: string;
  /** Answers what is wrong, or an empty text. */
  readonly run: () => Promise<string>;
}

const root = fileURLToPath(new URL('..', import.meta.url));

const checks: readonly Check[] = [
  { name: 'types', run: () => tool('tsc', ['-p', 'tsconfig.json', '--pretty', 'false']) },
  { name: 'lint', run: () => tool('biome', ['ci', '--colors=off', '--max-diagnostics=50', '.']) },
  { name: 'dead code', run: () => tool('knip', ['--no-progress']) },
  {
    name: 'arrows',
    run: async () => (await findViolations(root)).map(({ at, specifier, reason }) => `${at} imports ${specifier}: ${reason}`).join('\n'),
  },
];

const results = await Promise.all(checks.map(run));
const failed = results.filter((problems) => problems !== '').length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function run({ name, run: find }: Check): Promise<string> {
  const startedAt = performance.now();
  const problems = await find().catch((error) => String(error));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${problems === '' ? 'passed' : 'FAILED'}  ${name} (${seconds} s)${problems === '' ? '' : `\n${problems}`}`);
  return problems;
}

/** What a tool prints when it finds something, or an empty text when it ends well. */
function tool(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(join(root, 'node_modules', '.bin', command), args, { cwd: root, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve(error === null ? '' : `${stdout}${stderr}`.trim() || error.message);
    });
  });
}
