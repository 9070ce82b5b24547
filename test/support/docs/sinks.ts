import { readdirSync } from 'node:fs';
import type { SinkDefinition } from '../../../lib/core/sink.ts';

const folder = new URL('../../../lib/sinks/', import.meta.url);

/** Every sink there is: a file in lib/sinks, and nothing else to register. */
export async function allSinks(): Promise<SinkDefinition[]> {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const modules = await Promise.all(files.map((file) => import(new URL(file, folder).href)));
  return modules.flatMap((module: Record<string, unknown>) => Object.values(module).filter(isSink));
}

function isSink(value: unknown): value is SinkDefinition {
  return typeof value === 'object' && value !== null && 'guarantees' in value && 'open' in value;
}
