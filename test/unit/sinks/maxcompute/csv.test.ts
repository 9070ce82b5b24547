import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCsvRecord } from '../../../../lib/sinks/maxcompute/csv.ts';

it.each([
  ['a,b', ['a', 'b']],
  ['', ['']],
  [',', ['', '']],
  ['a,b\r\n', ['a', 'b']],
  ['\\N,"\\N",N', [null, '\\N', 'N']],
  ['"a,""b""\n",c', ['a,"b"\n', 'c']],
  ['"",x', ['', 'x']],
  ['"a",\n', ['a', '']],
])('takes %o apart', (text, fields) => {
  expect(parseCsvRecord(text)).toEqual(fields);
});

it.each(['"a', '"a"b', 'a"b', 'a\nb', '"a"\n"b"', '"a""'])('refuses %o', (text) => {
  expect(parseCsvRecord(text)).toBeUndefined();
});

it('reads what a writer of CSV wrote, whatever the fields hold', () => {
  const field = fc.option(fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', '\\', 'N', ' ', 'ż') }));
  fc.assert(
    fc.property(fc.array(field, { minLength: 1 }), (fields) => {
      const text = fields.map((each) => (each === null ? '\\N' : `"${each.replaceAll('"', '""')}"`)).join(',');
      expect(parseCsvRecord(text)).toEqual(fields);
    }),
  );
});
