import { expect, it } from 'vitest';
import { readServiceError } from '../../../../lib/clients/maxcompute/service-error.ts';

const read = (body: string, headers: Record<string, string> = {}, status = 400) =>
  readServiceError({ status, headers, body: Buffer.from(body) }, Date.parse('2026-03-04T09:00:00Z'));

it.each([
  [
    'XML',
    '<?xml version="1.0"?><Error><Code>NoSuchTable</Code><Message>secret</Message><RequestId>R1</RequestId></Error>',
    'NoSuchTable',
    'R1',
  ],
  ['XML with CDATA', '<Error><Code>NoSuchTable</Code><Message><![CDATA[secret]]></Message></Error>', 'NoSuchTable', undefined],
  ['JSON', '{"Code": "FlowExceeded", "Message": "secret", "RequestId": "R1"}', 'FlowExceeded', 'R1'],
  ['a message with digits', '{"Message": "ODPS-0130131: Table not found secret"}', 'ODPS-0130131', undefined],
  ['text', 'ODPS-0410042: Invalid signature secret', 'ODPS-0410042', undefined],
  ['a page of a proxy', '<html><Code>secret page</Code></html>', undefined, undefined],
  ['JSON that breaks off', '{"Code": "Flow', undefined, undefined],
  ['nothing', '', undefined, undefined],
  ['a code that is none', '{"Code": "secret value of a record"}', undefined, undefined],
])('reads %s', (_, body, code, requestId) => {
  const error = read(body);
  expect({ code: error.code, requestId: error.requestId }).toEqual({ code, requestId });
  expect(error.message).not.toContain('secret');
});

it('takes the request from the header where the body names none', () => {
  expect(read('', { 'x-odps-request-id': '2026ABC' }).requestId).toBe('2026ABC');
});

it.each([
  [{ 'retry-after': '7' }, '', 7_000],
  [{ 'retry-after': 'Wed, 04 Mar 2026 09:00:30 GMT' }, '', 30_000],
  [{ 'retry-after': 'Wed, 04 Mar 2026 08:00:00 GMT' }, '', 0],
  [{ 'retry-after': 'soon' }, '', undefined],
  [{}, '{"HoldClientMillis": 2000}', 2_000],
  [{}, '{"HoldClientMillis": 99000}', 10_000],
  [{ 'retry-after': '3' }, '{"HoldClientMillis": 2000}', 3_000],
  [{}, '{"HoldClientMillis": -1}', undefined],
])('reads how long to wait from %o %s', (headers, body, expected) => {
  expect(read(body, headers as Record<string, string>, 429).retryAfterMs).toBe(expected);
});
