import { Document, isMap, isScalar, type YAMLMap } from 'yaml';
import { parseConfig } from '../../core/config.ts';
import type { SinkDefinition } from '../../core/sink.ts';

/** A sink with where a function file finds it. */
export interface ImportedSink {
  readonly definition: SinkDefinition;
  /** Under `sluice/sinks/`. */
  readonly module: string;
  readonly exportName: string;
}

export interface NewConnector {
  readonly name: string;
  readonly topic: string;
  readonly sink: ImportedSink;
}

/** The function file of a new connector: everything goes on as it came. */
export function functionFile({ topic, sink: { definition, module, exportName } }: NewConnector): string {
  return `import { connect } from 'sluice';
import { ${exportName} } from 'sluice/sinks/${module}';

/** What a record of ${topic} holds. */
type Value = { readonly id: string };

/** Records of ${topic} go to ${definition.name} as they are. Return null to drop one, a list to write several. */
export const handler = connect<Value>({
  sink: ${exportName},
  transform: (record) => record,
});
`;
}

/** A test of its transform, for Node's own test runner. */
export function testFile({ name }: NewConnector): string {
  return `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transformed } from 'sluice/testing';
import { handler } from '../functions/${name}.ts';

test('a record goes on as it came', async () => {
  const records = await transformed(handler, { key: 'a1', value: { id: 'a1' } });
  assert.deepEqual(
    records.map(({ key, value }) => ({ key, value })),
    [{ key: 'a1', value: { id: 'a1' } }],
  );
});
`;
}

/** A sample for the new connector, and what comes out of it. */
export function sampleFiles({ name }: NewConnector): { readonly samples: string; readonly expected: string } {
  const record = { key: 'a1', value: { id: 'a1' } };
  return {
    samples: `${JSON.stringify(record)}\n`,
    expected: `${JSON.stringify({ sample: `${name}.jsonl:1`, records: [record] })}\n`,
  };
}

/** The block of serverless.yml for it: the sink's first mode. Names of the target follow the topic. */
function functionBlock({ name, topic, sink: { definition } }: NewConnector): Readonly<Record<string, unknown>> {
  const [mode] = definition.modes ?? [];
  const config = Object.entries(mode?.config ?? {}).map(([option, value]) => [
    option,
    (option === 'table' || option === 'index') && typeof value === 'string' ? topic : value,
  ]);
  return {
    handler: `functions/${name}.handler`,
    connector: {
      trigger: { topic },
      sink: { type: definition.name, ...Object.fromEntries(config) },
      ...(isIdempotent(definition) ? {} : { acceptDuplicates: true }),
      onError: { deadLetterTopic: `${topic}.dlq` },
    },
  };
}

/** The block as the text of a map with the function's name, not indented. */
export function blockText(connector: NewConnector): string {
  const document = new Document({ [connector.name]: functionBlock(connector) });
  const at = (...path: string[]): unknown => document.getIn([connector.name, 'connector', ...path], true);
  for (const option of ['trigger', 'onError']) inOneLine(at(option));
  const sink = at('sink');
  const [mode] = connector.sink.definition.modes ?? [];
  if (isMap(sink)) {
    for (const { value } of sink.items) inOneLine(value);
    const { name } = connector.sink.definition;
    sink.commentBefore = ` Mode: ${mode?.name ?? 'the only one'}. Every mode and option: npx sluice describe ${name}`;
  }
  const duplicates = at('acceptDuplicates');
  if (isScalar(duplicates)) duplicates.comment = ' in this mode a batch that is repeated is written again';
  return document.toString({ lineWidth: 0 });
}

function inOneLine(node: unknown): void {
  if (isMap(node)) (node as YAMLMap).flow = true;
}

function isIdempotent({ guarantees, modes, config }: SinkDefinition): boolean {
  return guarantees(parseConfig(config, modes?.[0]?.config ?? {}, 'connector.sink')).idempotent;
}
