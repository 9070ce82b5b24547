import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRecords, writeRecords } from '../../support/servers/maxcompute/record-stream.ts';
import { canonicalString, expectSigned } from '../../support/servers/maxcompute/signature.ts';
import { column } from '../../support/servers/maxcompute/types.ts';

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/maxcompute/${name}.json`, import.meta.url), 'utf8'));

interface Vector {
  readonly name: string;
  readonly types: readonly string[];
  readonly body: string;
}
const { vectors } = fixture('records') as { readonly vectors: readonly Vector[] };
const columnsOf = ({ types }: Vector) => types.map((type, index) => column(`c${index}`, type));

describe('record streams of the MaxCompute test server', () => {
  it.each(vectors)('$name is read, and what was read is written as the same bytes', (vector) => {
    const body = Buffer.from(vector.body, 'hex');
    const rows = readRecords(body, columnsOf(vector));
    expect(writeRecords(rows, columnsOf(vector)).toString('hex')).toBe(vector.body);
  });

  it('values are spelled for people', () => {
    const types = ['bigint', 'string', 'array<bigint>'];
    const body = Buffer.from('080212016180c0ff7fea91d2b205f0ffff7f02f8ffff7f97d6b6ae06', 'hex');
    expect(readRecords(body, columnsOf({ name: '', types, body: '' }))).toEqual([{ c0: 1, c1: 'a', c2: null }]);
  });

  it('any byte that is another one is noticed', () => {
    for (const vector of vectors.filter(({ types }) => !/array|map|struct/.test(types.join()))) {
      const body = Buffer.from(vector.body, 'hex');
      for (const [index, byte] of body.entries()) {
        const broken = Buffer.from(body);
        broken[index] = byte ^ 1;
        expect(() => readRecords(broken, columnsOf(vector)), `${vector.name} with byte ${index} changed`).toThrow();
      }
    }
  });

  it('a stream that is cut short anywhere, or goes on after its end, is refused', () => {
    for (const vector of vectors) {
      const body = Buffer.from(vector.body, 'hex');
      for (let end = 0; end < body.length; end++) expect(() => readRecords(body.subarray(0, end), columnsOf(vector))).toThrow();
      expect(() => readRecords(Buffer.concat([body, Buffer.of(0)]), columnsOf(vector))).toThrow();
    }
  });
});

interface SignedRequest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly canonical: readonly string[];
  readonly v2: string;
  readonly v4: Readonly<Record<string, string>>;
}
const signed = fixture('signatures') as {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly region: string;
  readonly requests: readonly SignedRequest[];
};

describe('signatures at the MaxCompute test server', () => {
  const { accessKeyId, accessKeySecret, region, requests } = signed;
  const accounts = new Map([[accessKeyId, { accessKey: accessKeySecret }]]);
  const requestOf = ({ method, path, query, headers }: SignedRequest, authorization: string) => ({
    kind: 'create' as const,
    isTunnel: true,
    project: 'p',
    method,
    path,
    query: new Map(Object.entries(query)),
    headers: { ...headers, authorization },
  });
  const sentAt = ({ headers }: SignedRequest) => Date.parse(headers['date'] ?? '');

  it.each(requests)('$name is signed as the clients of the service sign it', (request) => {
    expect(canonicalString(requestOf(request, ''))).toBe(request.canonical.join('\n'));
    const now = sentAt(request);
    const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
    const newer = `ODPS ${accessKeyId}/${day}/${region}/odps/aliyun_v4_request:${request.v4[day]}`;
    expectSigned(requestOf(request, `ODPS ${accessKeyId}:${request.v2}`), { accounts, now });
    expectSigned(requestOf(request, newer), { accounts, now, region });
    expect(() => expectSigned(requestOf(request, newer), { accounts, now, region: 'cn-beijing' })).toThrow('another region');
  });

  it.each(requests)('$name is refused with another key, another parameter, a token too many, or too late', (request) => {
    const now = sentAt(request);
    const right = requestOf(request, `ODPS ${accessKeyId}:${request.v2}`);
    const rotated = new Map([[accessKeyId, { accessKey: 'rotated' }]]);
    expect(() => expectSigned(right, { accounts: rotated, now })).toThrow('Invalid signature');
    expect(() => expectSigned({ ...right, query: new Map([...right.query, ['overwrite', 'true']]) }, { accounts, now })).toThrow(
      'signature',
    );
    expect(() => expectSigned({ ...right, headers: { ...right.headers, 'authorization-sts-token': 'x' } }, { accounts, now })).toThrow(
      'token',
    );
    expect(() => expectSigned(right, { accounts, now: now + 16 * 60_000 })).toThrow('too large');
  });

  it('temporary credentials need their token, while it lasts', () => {
    const [request] = requests;
    if (request === undefined) throw new Error('Expected a request in the fixture.');
    const now = sentAt(request);
    const right = requestOf(request, `ODPS ${accessKeyId}:${request.v2}`);
    const temporary = new Map([[accessKeyId, { accessKey: accessKeySecret, securityToken: 'token', expiresAt: now + 1_000 }]]);
    const withToken = { ...right, headers: { ...right.headers, 'authorization-sts-token': 'token' } };
    expect(() => expectSigned(right, { accounts: temporary, now })).toThrow('token is not valid');
    expectSigned(withToken, { accounts: temporary, now });
    expect(() => expectSigned(withToken, { accounts: temporary, now: now + 1_000 })).toThrow('expired');
  });
});
