import { Type } from 'typebox';
import { DataError } from '../core/errors.ts';
import { defineFormat } from '../core/format.ts';
import { decodeUtf8 } from './utf8.ts';

/** Text as it is: no bytes are empty text, and a byte order mark is part of it. */
export const string = defineFormat({
  name: 'string',
  summary: 'Text in UTF-8.',
  config: Type.Object({}),
  carriesJson: false,
  borrows: true,
  decoder: () => (bytes, origin) => ({ value: decodeUtf8(bytes, origin) }),
  encode(value) {
    if (typeof value !== 'string') throw new DataError('VALUE_NOT_TEXT', `Expected text, found ${value === null ? 'null' : typeof value}`);
    if (!value.isWellFormed()) throw new DataError('VALUE_NOT_TEXT', 'Expected text that UTF-8 can say, found a lone surrogate');
    return Buffer.from(value);
  },
});
