import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { standardSigner } from '../../../../lib/clients/http/standard-webhooks.ts';

interface Vectors {
  readonly body: string;
  readonly standard: readonly {
    readonly secrets: readonly string[];
    readonly id: string;
    readonly timestamp: number;
    readonly body?: string;
    readonly signature: string;
  }[];
}

const file = new URL('../../../fixtures/alert/signatures.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const path = 'connector.sink.signing';

describe('standardSigner', () => {
  it.each(vectors.standard)('makes $signature, of bytes as of text', ({ secrets, id, timestamp, body = vectors.body, signature }) => {
    const expected = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature };
    expect(standardSigner(secrets, path)(id, body, timestamp * 1_000 + 999)).toEqual(expected);
    expect(standardSigner(secrets, path)(id, Buffer.from(body), timestamp * 1_000)).toEqual(expected);
  });

  it('signs with an ed25519 key so that its public half verifies', () => {
    const key = 'whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==';
    const x = Buffer.from('A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=', 'base64').toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const signature = standardSigner([key], path)('msg_1', 'body', 1_000_500)['webhook-signature'] ?? '';
    expect(signature.startsWith('v1a,')).toBe(true);
    expect(verify(null, Buffer.from('msg_1.1000.body'), publicKey, Buffer.from(signature.slice(4), 'base64'))).toBe(true);
  });

  it.each(['', 'whsec_', 'sentinel', 'whsec_c2hvcnQ=', 'whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='])(
    'refuses the secret %j, names the option and does not repeat it',
    (secret) => {
      const sign = () => standardSigner([secret], path);
      expect(sign).toThrow('Expected the secret of connector.sink.signing to be whsec_');
      if (secret.length > 6) expect(sign).not.toThrow(secret);
    },
  );
});
