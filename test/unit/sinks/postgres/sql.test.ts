import { expect, it } from 'vitest';
import { arrayText, quoted } from '../../../../lib/sinks/postgres/sql.ts';

it('quotes names so that nothing ends them', () => {
  expect(quoted('a"; drop table b; --')).toBe('"a""; drop table b; --"');
});

it('writes arrays that the server reads back', () => {
  expect(arrayText(['a', 'b"c', 'd\\e', '', 'NULL', null, undefined, '{,}'], false, (item) => item)).toBe(
    '{"a","b\\"c","d\\\\e","","NULL",NULL,NULL,"{,}"}',
  );
  expect(arrayText([1, -2, null], true, (item) => item)).toBe('{1,-2,NULL}');
});
