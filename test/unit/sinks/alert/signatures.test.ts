import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { signedUrl } from '../../../../lib/sinks/alert/channels/dingtalk.ts';
import { dingtalkSignature, feishuSignature } from '../../../../lib/sinks/alert/signatures.ts';

interface Vectors {
  readonly dingtalk: readonly {
    readonly secret: string;
    readonly timestampMs: number;
    readonly signature: string;
    readonly inUrl: string;
  }[];
  readonly feishu: readonly {
    readonly secret: string;
    readonly timestamp: number;
    readonly signature: string;
    readonly notThis?: string;
  }[];
}

const file = new URL('../../../fixtures/alert/signatures.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

describe('signatures', () => {
  it.each(vectors.dingtalk)(
    'of DingTalk are $signature, encoded once in a URL that does not grow',
    ({ secret, timestampMs, signature, inUrl }) => {
      expect(dingtalkSignature(secret, timestampMs)).toBe(signature);
      const once = signedUrl(new URL('https://oapi.dingtalk.com/robot/send?access_token=t'), secret, timestampMs);
      expect(once.href).toBe(`https://oapi.dingtalk.com/robot/send?access_token=t&timestamp=${timestampMs}&sign=${inUrl}`);
      expect(signedUrl(once, secret, timestampMs).href).toBe(once.href);
    },
  );

  it.each(vectors.feishu)('of Feishu are $signature, with the secret in the key', ({ secret, timestamp, signature, notThis }) => {
    expect(feishuSignature(secret, timestamp)).toBe(signature);
    if (notThis !== undefined) expect(feishuSignature(secret, timestamp)).not.toBe(notThis);
  });
});
