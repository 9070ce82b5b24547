import type { TObject } from 'typebox';
import { parseConfig } from '../../lib/core/config.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { ReadyTransform, TransformDefinition } from '../../lib/core/transform.ts';
import { record } from './records.ts';

/** A ready-made transform with options as written in serverless.yml, defaults filled in. */
export function readyTransform<Config extends TObject>(definition: TransformDefinition<Config>, options: unknown): ReadyTransform {
  return definition.create(parseConfig(definition.config, options, `connector.transforms[0]`));
}

/** The value that a transform makes of another one; undefined when it drops the record. The record stays as it was, apart from value and schema. */
export function valueThrough(transform: ReadyTransform, value: unknown): unknown {
  const given: KafkaRecord = record('k', value, { topic: 'quakes', partition: 2, offset: 17 });
  const before = structuredClone(value);
  const made = transform(given);
  if (JSON.stringify(given.value) !== JSON.stringify(before)) throw new Error('The transform changed the value that it was given');
  return made === null ? undefined : made.value;
}
