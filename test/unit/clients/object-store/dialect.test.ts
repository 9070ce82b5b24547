import { describe, expect, it } from 'vitest';
import { metadataOf, toOss } from '../../../../lib/clients/object-store/dialect.ts';

describe('headers between the words of S3 and of OSS', () => {
  it('a condition that OSS refuses becomes its own', () => {
    expect(toOss({ 'If-None-Match': '*', host: 'h', 'x-amz-date': 'd' })).toEqual({
      'x-oss-forbid-overwrite': 'true',
      host: 'h',
      'x-amz-date': 'd',
    });
  });

  it('metadata survives the way there and back, in either spelling', () => {
    const sent = toOss({ 'x-amz-meta-last-offset': '41', 'content-type': 'text/plain' });
    expect(sent).toEqual({ 'x-oss-meta-last-offset': '41', 'content-type': 'text/plain' });
    expect(metadataOf(sent)).toEqual({ 'last-offset': '41' });
    expect(metadataOf({ 'X-Amz-Meta-Last-Offset': '41', etag: '"1"' })).toEqual({ 'last-offset': '41' });
  });
});
