import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { checkStoreOptions, endpointOf, storeOptions } from '../../../../lib/clients/object-store/options.ts';
import { parseConfig } from '../../../../lib/core/config.ts';

const parse = (options: object) => parseConfig(Type.Object(storeOptions), { bucket: 'lake', ...options }, 'connector.sink');
const pathsOf = (options: object) => checkStoreOptions(parse(options)).map(({ path }) => path);

describe('the options of a store', () => {
  it('a bucket is enough on S3, and OSS needs a region', () => {
    expect(pathsOf({})).toEqual([]);
    expect(pathsOf({ store: 'oss' })).toEqual(['connector.sink.region']);
    expect(pathsOf({ store: 'oss', region: 'cn-hangzhou', internal: true, encryption: { type: 'SM4' } })).toEqual([]);
  });

  it.each([
    ['an internal endpoint of S3', { internal: true }, 'internal'],
    ['two endpoints', { store: 'oss', region: 'cn-hangzhou', internal: true, endpoint: 'https://oss.example' }, 'internal'],
    ['a path where OSS wants a host', { store: 'oss', region: 'cn-hangzhou', forcePathStyle: true }, 'forcePathStyle'],
    ['a checksum that OSS does not know', { store: 'oss', region: 'cn-hangzhou', checksum: 'crc32' }, 'checksum'],
    ['an encryption of OSS on S3', { encryption: { type: 'SM4' } }, 'encryption'],
    ['a key without KMS', { encryption: { type: 'AES256', key: 'k' } }, 'encryption'],
    ['a directory bucket', { bucket: 'lake--use1-az4--x-s3' }, 'bucket'],
    ['a password in the endpoint', { endpoint: 'https://me:secret@minio.example' }, 'endpoint'],
    ['another protocol', { endpoint: 'ftp://minio.example' }, 'endpoint'],
    ['eleven tags', { tags: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`t${n}`, ''])) }, 'tags'],
    ['a tag that no store takes', { tags: { 'a&b': '1' } }, 'tags'],
  ])('%s is refused', (_, options, option) => {
    expect(pathsOf(options)).toEqual([`connector.sink.${option}`]);
  });

  it.each(['UPPER', 'a', 'with_underscore', '-begins', 'http://lake'])('a bucket cannot be called %s', (bucket) => {
    expect(() => parse({ bucket })).toThrow('connector.sink.bucket');
  });

  it.each([
    [{ store: 'oss', region: 'cn-hangzhou' }, 'https://s3.oss-cn-hangzhou.aliyuncs.com'],
    [{ store: 'oss', region: 'oss-cn-hangzhou' }, 'https://s3.oss-cn-hangzhou.aliyuncs.com'],
    [{ store: 'oss', region: 'cn-hangzhou', internal: true }, 'https://s3.oss-cn-hangzhou-internal.aliyuncs.com'],
    [{ store: 'oss', region: 'cn-hangzhou', endpoint: 'https://lake.example' }, 'https://lake.example'],
    [{ endpoint: 'http://127.0.0.1:9000' }, 'http://127.0.0.1:9000'],
    [{ region: 'eu-west-1' }, undefined],
  ])('%o is at %s', (options, endpoint) => {
    expect(endpointOf(parse(options))).toBe(endpoint);
  });
});
