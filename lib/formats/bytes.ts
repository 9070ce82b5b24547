import { Type } from 'typebox';
import { DataError } from '../core/errors.ts';
import { defineFormat } from '../core/format.ts';

/** Bytes as they are. */
export const bytes = defineFormat({
  name: 'bytes',
  summary: 'Bytes, passed on as they are.',
  config: Type.Object({}),
  carriesJson: false,
  decoder: () => (value) => ({ value }),
  encode(value) {
    if (value instanceof Uint8Array) return value;
    throw new DataError('VALUE_NOT_BYTES', `Expected bytes, found ${value === null ? 'null' : typeof value}`);
  },
});
