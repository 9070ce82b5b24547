import { DataError } from '../../core/errors.ts';
import { toJson } from '../../core/json.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { PlanContext, Sources } from './plan.ts';
import { type WriteValue, writeBytes, writeText } from './values.ts';

const columnTypes = { text: ['string', 'varchar', 'char'], binary: ['binary'], json: ['json'] } as const;

/** Key and value as they are, each in the column of that name. */
export function payloadSources({ config, positions, maxFieldBytes, expect }: PlanContext): Sources {
  const { mode, format } = config;
  if (format === 'csv' || format === 'flatten') return { columns: [], fill: () => undefined };
  const column = (name: 'key' | 'value') =>
    mode === 'default' || mode === name
      ? expect(name, columnTypes[format], `it takes the ${name} of records with format: ${format}`)
      : undefined;
  const [key, value] = [column('key'), column('value')];
  const read = format === 'json' ? jsonText : rawOrText;
  const write: { readonly write?: WriteValue } = format === 'json' ? { write: writeRaw(maxFieldBytes) } : {};
  const [keyAt, valueAt] = [key, value].map((each) => (each === undefined ? undefined : positions.get(each)));
  return {
    columns: [key, value].flatMap((each) => (each === undefined ? [] : [{ column: each, ...write }])),
    fill(record, values) {
      if (keyAt !== undefined && record.key !== null) values[keyAt] = read(record, record.key, undefined);
      if (valueAt !== undefined && record.value !== null) values[valueAt] = read(record, record.value, record.bytes);
    },
  };
}

/** Text and bytes as they are; anything else as it was received, or as JSON. */
function rawOrText(_record: KafkaRecord, value: unknown, bytes: Uint8Array | undefined): unknown {
  return typeof value === 'string' || value instanceof Uint8Array ? value : (bytes ?? value);
}

function jsonText(record: KafkaRecord, value: unknown, bytes: Uint8Array | undefined): unknown {
  if (bytes !== undefined) return bytes;
  try {
    return toJson(value);
  } catch (error) {
    throw new DataError('VALUE_NOT_JSON', `Expected a record that JSON can say (${originName(record.origin)})`, { cause: error });
  }
}

/** JSON that is spelled out already. */
function writeRaw(maxBytes: number): WriteValue {
  return (rows, value) => (value instanceof Uint8Array ? writeBytes(rows, value, maxBytes) : writeText(rows, value as string, maxBytes));
}
