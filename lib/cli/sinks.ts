import { readdirSync } from 'node:fs';
import { extname } from 'node:path';
import type { SinkDefinition } from '../core/sink.ts';

const folder = new URL('../sinks/', import.meta.url);
/** Sinks for tests and measurements. */
const unlisted = new Set(['memory', 'drop']);

/** Every sink there is: a file in lib/sinks, and nothing else to register. */
export async function allSinks(): Promise<readonly SinkDefinition[]> {
  const files = readdirSync(folder)
    .filter((file) => extname(file) === extname(import.meta.url) && !file.endsWith('.d.ts'))
    .sort();
  const modules = await Promise.all(files.map((file) => import(new URL(file, folder).href)));
  return modules.flatMap((module: Readonly<Record<string, unknown>>) => Object.values(module).filter(isSink));
}

/** The sinks that people use. */
export async function listedSinks(): Promise<readonly SinkDefinition[]> {
  return (await allSinks()).filter(({ name }) => !unlisted.has(name));
}

function isSink(value: unknown): value is SinkDefinition {
  return typeof value === 'object' && value !== null && 'guarantees' in value && 'open' in value;
}
