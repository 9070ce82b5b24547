import type { KafkaRecord } from '../../core/record.ts';

/** The texts and numbers inside of records, which an answer may repeat and a message may not. */
export function sentTexts(records: readonly KafkaRecord[]): readonly string[] {
  const texts: string[] = [];
  for (const { key, value, headers } of records) {
    collect(key, texts, 0);
    collect(value, texts, 0);
    for (const header of headers) texts.push(Buffer.from(header.value).toString());
  }
  return texts;
}

function collect(value: unknown, texts: string[], depth: number): void {
  if (typeof value === 'string') texts.push(value);
  else if (typeof value === 'number' || typeof value === 'bigint') texts.push(String(value));
  else if (ArrayBuffer.isView(value)) texts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString());
  else if (typeof value === 'object' && value !== null && depth < 50)
    for (const inner of Object.values(value)) collect(inner, texts, depth + 1);
}
