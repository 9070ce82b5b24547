import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface SignedRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What the Authorization header of an AWS4-HMAC-SHA256 signature says; undefined for anything else. */
export function signatureOf({ headers }: SignedRequest) {
  const fields =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)$/.exec(
      headers.authorization ?? '',
    );
  if (fields === null) return undefined;
  const [, accessKeyId = '', day = '', region = '', service = '', signed = '', signature = ''] = fields;
  return { accessKeyId, day, region, service, signedHeaders: signed.split(';'), signature };
}

/** Whether a request is signed with this secret, over a body that is the one it came with, and leaves no header of the store's unsigned. */
export function isSigned(request: SignedRequest, secret: string): boolean {
  const found = signatureOf(request);
  if (found === undefined) return false;
  const { day, region, service, signedHeaders, signature } = found;
  const { headers, method, url, body } = request;
  const mustSign = ['host', ...Object.keys(headers).filter((name) => /^x-(?:amz|oss)-|^content-md5$/.test(name))];
  if (!mustSign.every((name) => signedHeaders.includes(name))) return false;
  const payload = String(headers['x-amz-content-sha256']);
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== createHash('sha256').update(body).digest('hex')) return false;
  const [path = '/', query = ''] = url.split('?');
  const canonical = [
    method,
    path,
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      .toSorted()
      .join('&'),
    ...signedHeaders.map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    signedHeaders.join(';'),
    payload,
  ].join('\n');
  const text = [
    'AWS4-HMAC-SHA256',
    headers['x-amz-date'],
    `${day}/${region}/${service}/aws4_request`,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secret}`);
  const expected = hmac(key, text);
  const given = Buffer.from(signature, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
