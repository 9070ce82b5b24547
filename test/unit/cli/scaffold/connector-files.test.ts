import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { blockText, functionFile, type NewConnector } from '../../../../lib/cli/scaffold/connector-files.ts';
import { allSinks, listedSinks, sinkExport } from '../../../../lib/cli/sinks.ts';
import { checkSink, readSettings } from '../../../../lib/core/settings.ts';

const sinks = await listedSinks();

describe.each(sinks.map((definition) => ({ name: definition.name, definition })))('a new connector to $name', ({ name, definition }) => {
  let connector: NewConnector;
  beforeAll(async () => {
    connector = {
      name: `orders-to-${name}`,
      topic: 'orders',
      sink: { definition, module: name, exportName: await sinkExport(definition) },
    };
  });

  it('has settings without a problem, in the first mode of the sink', () => {
    const { connector: block } = parse(blockText(connector))[connector.name];
    const { settings, problems } = readSettings(block);
    expect(problems).toEqual([]);
    expect(checkSink(definition, settings).problems).toEqual([]);
    expect(Object.keys(settings.sink)).toEqual(['type', ...Object.keys(definition.modes?.[0]?.config ?? {})]);
    expect(settings.onError).toMatchObject({ deadLetterTopic: 'orders.dlq' });
  });

  it('imports the sink by the name that its module exports', async () => {
    const module = await import(`../../../../lib/sinks/${name}.ts`);
    expect(module[connector.sink.exportName]).toBe(definition);
    expect(functionFile(connector)).toContain(`import { ${connector.sink.exportName} } from 'sluice/sinks/${name}';`);
  });
});

it('there is a new connector for every sink that people use', async () => {
  expect((await allSinks()).length - sinks.length).toBe(2); // memory and drop are for tests and measurements
});
