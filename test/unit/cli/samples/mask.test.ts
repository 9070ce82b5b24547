import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { masking } from '../../../../lib/cli/samples/mask.ts';
import type { SourceRecord } from '../../../../lib/core/record.ts';

const secret = 'of the test';

function source(value: unknown, key: string | null = null, headers: Readonly<Record<string, string>> = {}): SourceRecord {
  return {
    origin: { topic: 'orders', partition: 0, offset: 1 },
    timestamp: 0,
    timestampType: 'create',
    headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  };
}

function masked(value: unknown, ...fields: string[]): Record<string, unknown> {
  return JSON.parse(Buffer.from(masking(fields, secret).mask(source(value)).value ?? []).toString());
}

describe('masking', () => {
  it('keeps the kind and the shape of a value', () => {
    const { email, total, day, paid, nothing, id } = masked(
      { email: 'Ann.Lee@example.org', total: -12.5, day: '2018-01-10', paid: true, nothing: null, id: 'a1' },
      'email',
      'total',
      'day',
      'paid',
      'nothing',
    );
    expect(email).toMatch(/^[A-Z][a-z]{2}\.[A-Z][a-z]{2}@[a-z]{7}\.[a-z]{3}$/);
    expect(email).not.toContain('example');
    expect(String(total)).toMatch(/^-\d\d\.\d$/);
    expect(total).not.toBe(-12.5);
    expect(day).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect([paid, nothing, id]).toEqual([false, null, 'a1']);
  });

  it('gives the same content the same mask, in a key, a header and a field, so that records still belong together', () => {
    const { mask } = masking(['key', 'customer', 'header:user'], secret);
    const { key, value, headers } = mask(source({ customer: 'c-1042' }, 'c-1042', { user: 'c-1042', trace: 't' }));
    const { customer } = JSON.parse(Buffer.from(value ?? []).toString());
    expect(customer).not.toBe('c-1042');
    expect(Buffer.from(key ?? []).toString()).toBe(customer);
    expect(headers.map((header) => Buffer.from(header.value).toString())).toEqual([customer, 't']);
  });

  it('gives other masks with another secret', () => {
    const [one, other] = ['a', 'b'].map((own) => masking(['name'], own).mask(source({ name: 'Ann Lee' })).value);
    expect(one).not.toEqual(other);
  });

  it('goes through lists, into objects, and knows names that hold dots', () => {
    const value = masked(
      { items: [{ name: 'pen', price: 1 }, { price: 2 }, { name: 'ink' }], 'a.b': 'xy', a: { b: 'xy' } },
      'items.name',
      'a.b',
    );
    expect(value['items']).toEqual([{ name: expect.not.stringContaining('pen'), price: 1 }, { price: 2 }, { name: expect.any(String) }]);
    expect(value['a.b']).not.toBe('xy');
    expect(masked({ address: { street: 'High St', number: 5 } }, 'address')['address']).toEqual({
      street: expect.stringMatching(/^[A-Z][a-z]{3} [A-Z][a-z]$/),
      number: expect.any(Number),
    });
  });

  it('masks a value that is no JSON as a whole, as the field may be anywhere in it', () => {
    const { value } = masking(['name'], secret).mask(source('{"name":"Ann'));
    expect(Buffer.from(value ?? []).toString()).toMatch(/^\{"[a-z]{4}":"[A-Z][a-z]{2}$/);
    expect(Buffer.from(value ?? []).toString()).not.toContain('Ann');
  });

  it('counts what each field covered', () => {
    const { mask, covered } = masking(['name', 'nmae'], secret);
    mask(source({ name: 'Ann' }));
    mask(source({ name: 'Bo' }));
    expect([...covered]).toEqual([
      ['name', 2],
      ['nmae', 0],
    ]);
  });

  it('leaves what is left JSON of the same kinds, whatever the field holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (field) => {
        const { kept, field: mask } = masked({ kept: field, field }, 'field');
        expect(kept).toEqual(JSON.parse(JSON.stringify(field)));
        expect(kinds(mask)).toEqual(kinds(kept));
      }),
    );
  });
});

function kinds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(kinds);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.entries(value).map(([name, inner]) => [name, kinds(inner)]);
}
