import { isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import type { KafkaRecord, SourceRecord } from '../../core/record.ts';
import { decodeJson } from '../../formats/json.ts';
import { textOrBytes } from './sample-lines.ts';

/** What became of a sample: the records that would be written, none where it was dropped, or why not. */
export type SampleResult = { readonly records: readonly RecordShape[] } | { readonly failed: Failed };

export interface Failed {
  readonly code: string;
  readonly message: string;
  /** What was thrown, where that says more: a transform's own error. */
  readonly cause?: { readonly message: string; readonly stack: string };
}

/** A record as JSON has it: what a sink gets, without what every record of its sample shares. */
export type RecordShape = Readonly<Record<string, unknown>>;

/** The code of a transform's error that nobody meant to throw. No such failure is ever expected. */
export const unforeseen = 'TRANSFORM_FAILED';

/** The record's key and value, and whatever else the transform changed. */
export function recordShape(record: KafkaRecord, source: SourceRecord): RecordShape {
  const { key, value, target, headers, timestamp } = record;
  return {
    key: plain(key),
    value: plain(value),
    ...(target === undefined ? {} : { target }),
    ...(timestamp === source.timestamp ? {} : { timestamp }),
    ...(headers === source.headers ? {} : { headers: headers.map((header) => ({ key: header.key, value: textOrBytes(header.value) })) }),
  };
}

/** As JSON says it: times as text, bytes as base64. */
function plain(value: unknown): unknown {
  try {
    return decodeJson(Buffer.from(toJson(value)), { topic: '', partition: 0, offset: 0 });
  } catch {
    return { unprintable: 'JSON cannot say this value' };
  }
}

/** One place where two values differ. */
export interface Difference {
  /** Dotted, e.g. `value.mag`; empty for the whole. */
  readonly path: string;
  /** As JSON; undefined where there is nothing. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What is no longer as it was. The order of names in an object says nothing. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => differences(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return before.flatMap((item, index) => differences(item, after[index], `${path}[${index}]`));
  const [was, is] = [before, after].map((value) => (value === undefined ? undefined : toJson(value)));
  return was === is ? [] : [{ path, before: was, after: is }];
}
