import { readRecords } from './topic-reader.ts';

export interface ShownLetter {
  readonly place: string;
  readonly from: string;
  readonly because: string;
  readonly bytes: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads the letters that were written to the topic since it ended at `from`, with a plain Kafka client. */
export async function readLetters(
  brokers: string,
  topic: string,
  from: ReadonlyMap<number, number>,
  count: number,
): Promise<readonly ShownLetter[]> {
  const records = await readRecords(brokers, topic, from, count);
  return records.map(({ place, value, headers }) => {
    const at = (name: string) => headers[`__connect.errors.${name}`] ?? '';
    return {
      place,
      from: `${at('topic')}-${at('partition')}@${at('offset')}, by ${at('connector.name')}`,
      because: `${headers['sluice.code'] ?? ''}  ${at('exception.message')}`,
      bytes: value === null ? '' : value.toString('utf8'),
      headers,
    };
  });
}
