import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../lib/core/errors.ts';
import { headerTemplates } from '../../../../lib/sinks/webhook/headers.ts';
import { recordIds } from '../../../../lib/sinks/webhook/idempotency.ts';
import { record } from '../../../support/records.ts';

/** Any code units, lone surrogates and control characters included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.nat(0x7f)), { minLength: 1, maxLength: 12 })
  .map((units) => String.fromCharCode(...units));

const open = (headers: Record<string, string>) => headerTemplates(headers, recordIds('test'));

describe('headerTemplates', () => {
  it('fills in values and leaves constant headers constant', () => {
    const { constant, headersOf } = open({ 'X-Source': 'sluice', 'X-Record': '{topic}-{partition}@{offset} {key}' });
    expect(constant).toEqual({ 'x-source': 'sluice' });
    expect(headersOf?.(record('k', 1, { offset: 3 }))).toEqual({ 'x-record': 'orders-0@3 k' });
    expect(open({ a: 'b' }).headersOf).toBeUndefined();
  });

  it.each(['Host', 'Content-Length', 'transfer-encoding', 'connection', 'x y', 'x:y', ''])('refuses the name %j', (name) => {
    expect(() => open({ [name]: 'x' })).toThrow('connector.sink.headers');
  });

  it('refuses a line end of the operator, and every control character of a record', () => {
    expect(() => open({ a: 'x\r\nb: y' })).toThrow('control');
    const { headersOf } = open({ 'x-name': '<{value.name}>' });
    fc.assert(
      fc.property(anyText, (name) => {
        try {
          const value = headersOf?.(record('a', { name }))['x-name'] ?? '';
          expect(value).not.toMatch(/[\0-\x08\x0a-\x1f\x7f]/);
          expect(Buffer.from(value, 'latin1').toString()).toBe(`<${name}>`);
        } catch (error) {
          if (!(error instanceof DataError)) throw error;
          expect(/[\0-\x08\x0a-\x1f\x7f]/.test(name) || !name.isWellFormed()).toBe(true);
        }
      }),
    );
    expect(() => headersOf?.(record('a', { name: 'x\r\nx-admin: 1' }))).toThrow(DataError);
  });
});
