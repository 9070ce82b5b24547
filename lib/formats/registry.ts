import type { FormatDefinition } from '../core/format.ts';
import { bytes } from './bytes.ts';
import { debezium } from './debezium.ts';
import { json } from './json.ts';
import { string } from './string.ts';

/** The formats that `connector.key` and `connector.value` may name. */
export const formats: ReadonlyMap<string, FormatDefinition> = new Map<string, FormatDefinition>(
  [json, string, bytes, debezium].map((format) => [format.name, format]),
);
