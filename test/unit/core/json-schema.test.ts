import { describe, expect, it } from 'vitest';
import { serverlessJsonSchema } from '../../../lib/cli/service-schema.ts';
import { allSinks } from '../../../lib/cli/sinks.ts';
import type { FormatDefinition } from '../../../lib/core/format.ts';
import { connectorJsonSchema } from '../../../lib/core/json-schema.ts';
import type { SinkDefinition } from '../../../lib/core/sink.ts';
import { formats } from '../../../lib/formats/registry.ts';
import { transforms } from '../../../lib/transforms/registry.ts';

describe('schemas/connector.schema.json', () => {
  it('is what the options in the code say: after a change, run npm run schemas', async () => {
    const schema = connectorJsonSchema({ sinks: await allSinks(), formats: [...formats.values()], transforms: [...transforms.values()] });
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../../schemas/connector.schema.json');
  });

  it('describes every option', async () => {
    const parts: readonly (SinkDefinition | FormatDefinition)[] = [...(await allSinks()), ...formats.values()];
    const silent = parts.flatMap(({ name, config }) =>
      Object.entries(config.properties).flatMap(([option, schema]) => ('description' in schema ? [] : [`${name}.${option}`])),
    );
    expect(silent).toEqual([]);
  });
});

describe('schemas/serverless.schema.json', () => {
  it('is what the sluice block in the code says: after a change, run npm run schemas', async () => {
    await expect(`${JSON.stringify(serverlessJsonSchema(), null, 2)}\n`).toMatchFileSnapshot('../../../schemas/serverless.schema.json');
  });
});
