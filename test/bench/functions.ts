import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type BundledFile, bundleFunction, functionFiles } from '../support/bundle.ts';
import { type BenchOptions, digits, type Finding, type FunctionResult } from './results.ts';
import type { Figure } from './table.ts';

const run = promisify(execFile);

/** Cold start: how much of each function of this repository is read when it starts, and how long importing that takes in a fresh process. */
export async function benchFunctions({ quick, only, say }: BenchOptions): Promise<Finding> {
  const files = functionFiles().filter((file) => only.length === 0 || only.includes(nameOf(file)));
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    const bundles = await Promise.all(files.map((file) => writeBundle(file, dir)));
    const rounds = quick ? 3 : 10;
    say(`functions: importing ${files.length} bundles ${rounds} times`);
    const times = bundles.map((): number[] => []);
    for (let round = 0; round < rounds; round++)
      for (const [index, { entry }] of bundles.entries()) times[index]?.push(await importMs(entry));
    const results: Record<string, FunctionResult> = {};
    const figures: Figure[] = [];
    for (const [index, { name, kb, gzKb, lazyKb }] of bundles.entries()) {
      const runs = times[index] ?? [];
      const best = Math.min(...runs);
      results[name] = { bundleKb: digits(kb), bundleGzKb: digits(gzKb), lazyKb: digits(lazyKb), importMs: digits(best) };
      figures.push({ name: `functions ${name}, import`, unit: `ms for ${digits(kb)} KB (${digits(gzKb)} gz)`, runs, value: best });
    }
    return { figures, results: { functions: results } };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function nameOf(file: string): string {
  return basename(file, '.ts');
}

async function writeBundle(file: string, parent: string) {
  const { eager, lazy } = await bundleFunction(file);
  const dir = await mkdtemp(join(parent, `${nameOf(file)}-`));
  for (const { name, contents } of [...eager.files, ...lazy.files]) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), contents);
  }
  const entry = eager.files[0];
  if (entry === undefined) throw new Error(`Expected the bundle of ${file} to have an entry.`);
  return {
    name: nameOf(file),
    entry: join(dir, entry.name),
    kb: kilobytes(eager.files, ({ contents }) => contents.length),
    gzKb: kilobytes(eager.files, ({ contents }) => gzipSync(contents).length),
    lazyKb: kilobytes(lazy.files, ({ contents }) => contents.length),
  };
}

function kilobytes(files: readonly BundledFile[], size: (file: BundledFile) => number): number {
  return files.reduce((bytes, file) => bytes + size(file), 0) / 1024;
}

/** Milliseconds that importing takes in a process that has just started. */
async function importMs(file: string): Promise<number> {
  const script = `const from = performance.now(); await import(${JSON.stringify(pathToFileURL(file))}); console.log(performance.now() - from); process.exit()`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  return Number(stdout);
}
