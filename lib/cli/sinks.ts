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

/** The name under which the sink's module exports it: functions import it from `sluice/sinks/NAME`. */
export async function sinkExport({ name }: SinkDefinition): Promise<string> {
  const module: Readonly<Record<string, unknown>> = await import(new URL(`${name}${extname(import.meta.url)}`, folder).href);
  const exported = Object.entries(module).find(([, value]) => isSink(value));
  if (exported === undefined) throw new Error(`Expected the module of the sink ${name} to export it.`);
  return exported[0];
}

function isSink(value: unknown): value is SinkDefinition {
  return typeof value === 'object' && value !== null && 'guarantees' in value && 'open' in value;
}
