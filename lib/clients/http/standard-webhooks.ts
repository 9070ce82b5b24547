import { createHmac, createPrivateKey, sign } from 'node:crypto';
import { ConfigError } from '../../core/errors.ts';

/** The headers that prove who sent a body. The id stays the same for every attempt and has no dots; `nowMs` is the time of this attempt. */
type StandardSigner = (id: string, body: string | Uint8Array, nowMs: number) => Readonly<Record<string, string>>;

/**
 * Signs as Standard Webhooks 1.0.0 says: `whsec_…` is a shared secret, `whsk_…` an ed25519 key. Several secrets make several signatures, so
 * that a receiver can change its secret. Throws a ConfigError that names the option at `path` and says nothing of the secrets.
 */
export function standardSigner(secrets: readonly string[], path: string): StandardSigner {
  const signers = secrets.map((secret) => signerOf(secret.trim(), path));
  return (id, body, nowMs) => {
    const seconds = String(Math.floor(nowMs / 1_000));
    return {
      'webhook-id': id,
      'webhook-timestamp': seconds,
      'webhook-signature': signers.map((signer) => signer(`${id}.${seconds}.`, body)).join(' '),
    };
  };
}

function signerOf(secret: string, path: string): (head: string, body: string | Uint8Array) => string {
  const [, kind, text = ''] = /^(whsec|whsk)_([A-Za-z0-9+/_-]+={0,2})$/.exec(secret) ?? [];
  const key = Buffer.from(text, 'base64');
  if (kind === 'whsec' && key.length >= 24 && key.length <= 64)
    return (head, body) => `v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`;
  if (kind === 'whsk' && key.length === 64) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', d: key.toString('base64url', 0, 32), x: key.toString('base64url', 32) };
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
    return (head, body) => `v1a,${sign(null, Buffer.concat([Buffer.from(head), Buffer.from(body)]), privateKey).toString('base64')}`;
  }
  throw new ConfigError(
    'SINK_MISCONFIGURED',
    `Expected the secret of ${path} to be whsec_ and base64 of 24 to 64 bytes, or whsk_ and base64 of an ed25519 key of 64 bytes.`,
  );
}
