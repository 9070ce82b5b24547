import { toJson } from '../core/json.ts';
import { type KafkaRecord, originName } from '../core/record.ts';
import type { SinkDefinition } from '../core/sink.ts';

/** The same sink to all who ask for its options, but one that prints records and writes nothing. */
export function showing(
  sink: SinkDefinition,
  print: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
): SinkDefinition {
  return {
    ...sink,
    open: async () => ({
      async write(records) {
        for (const record of records) print(lineOf(record));
        return records.map(() => 'delivered' as const);
      },
    }),
  };
}

/** Origin, target, key and value: a dry run is asked for to see them. */
function lineOf(record: KafkaRecord): string {
  const part = record.part === 0 ? '' : `/${record.part}`;
  const target = record.target === undefined ? '' : `  → ${record.target}`;
  const key = record.key === null ? '' : `  ${shown(record.key)}`;
  return `${originName(record.origin)}${part}${target}${key}  ${shown(record.value)}`;
}

function shown(value: unknown): string {
  try {
    return toJson(value);
  } catch {
    return '(a value that JSON cannot say)';
  }
}
