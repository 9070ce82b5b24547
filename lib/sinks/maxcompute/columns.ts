import type { Column } from '../../clients/maxcompute/table.ts';
import { ConfigError } from '../../core/errors.ts';
import { fieldReader } from '../../core/field.ts';
import type { KafkaRecord } from '../../core/record.ts';
import { parseTemplate } from '../../core/template.ts';
import type { PlanContext, Sources } from './plan.ts';

type Read = (record: KafkaRecord) => unknown;

/** The columns that `connector.sink.columns` names, and nothing else. */
export function columnSources(
  { positions, expect }: PlanContext,
  columns: Readonly<Record<string, string>>,
  taken: ReadonlySet<Column>,
): Sources {
  const sources = Object.entries(columns).map(([name, text]) => {
    const path = `connector.sink.columns.${name}`;
    const column = expect(name, [], `${path} names it`);
    if (taken.has(column))
      throw new ConfigError(
        'SINK_MISCONFIGURED',
        `Column ${JSON.stringify(column.name)} is in ${path} and in connector.sink.origin. Leave it out of one.`,
      );
    return { column, position: positions.get(column) ?? 0, read: reader(text, path) };
  });
  return {
    columns: sources.map(({ column }) => ({ column })),
    fill(record, values) {
      for (const { position, read } of sources) values[position] = read(record);
    },
  };
}

const whole: Readonly<Record<string, Read>> = {
  key: ({ key }) => key,
  value: ({ value }) => value,
  topic: ({ version }) => version.topic,
  partition: ({ version }) => version.partition,
  offset: ({ version }) => version.offset,
  timestamp: ({ timestamp }) => timestamp,
  epoch: ({ version }) => version.epoch,
  part: ({ part }) => part,
};

/** Reads a field by its dotted name, what one placeholder names with its type, or text with placeholders. Throws a ConfigError `CONFIG_INVALID` that names the option at `path`. */
export function reader(text: string, path: string): Read {
  if (!/[{}]/.test(text)) {
    const read = fieldReader(text);
    return ({ value }) => read(value);
  }
  const name = /^\{([^{}]*)\}$/.exec(text)?.[1];
  const known = name === undefined ? undefined : whole[name];
  if (known !== undefined) return known;
  const [, side, field] = /^(key|value)\.(.+)$/.exec(name ?? '') ?? [];
  if (side !== undefined && field !== undefined) {
    const read = fieldReader(field);
    return side === 'key' ? ({ key }) => read(key) : ({ value }) => read(value);
  }
  const header = /^header:(.+)$/.exec(name ?? '')?.[1];
  if (header !== undefined) return ({ headers }) => headers.findLast(({ key }) => key === header)?.value;
  const template = parseTemplate(text, path);
  return (record) => template.render(record);
}
