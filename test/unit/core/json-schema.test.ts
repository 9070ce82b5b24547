import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FormatDefinition } from '../../../lib/core/format.ts';
import { connectorJsonSchema } from '../../../lib/core/json-schema.ts';
import type { SinkDefinition } from '../../../lib/core/sink.ts';
import { formats } from '../../../lib/formats/registry.ts';
import { transforms } from '../../../lib/transforms/registry.ts';

const folder = new URL('../../../lib/sinks/', import.meta.url);

/** Every sink there is: a file in lib/sinks, and nothing else to register. */
async function sinks(): Promise<SinkDefinition[]> {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const modules = await Promise.all(files.map((file) => import(new URL(file, folder).href)));
  return modules.flatMap((module: Record<string, unknown>) => Object.values(module).filter(isSink));
}

function isSink(value: unknown): value is SinkDefinition {
  return typeof value === 'object' && value !== null && 'guarantees' in value && 'open' in value;
}

describe('schemas/connector.schema.json', () => {
  it('is what the options in the code say: after a change, run npm run schemas', async () => {
    const schema = connectorJsonSchema({ sinks: await sinks(), formats: [...formats.values()], transforms: [...transforms.values()] });
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../../schemas/connector.schema.json');
  });

  it('describes every option', async () => {
    const parts: readonly (SinkDefinition | FormatDefinition)[] = [...(await sinks()), ...formats.values()];
    const silent = parts.flatMap(({ name, config }) =>
      Object.entries(config.properties).flatMap(([option, schema]) => ('description' in schema ? [] : [`${name}.${option}`])),
    );
    expect(silent).toEqual([]);
  });
});
