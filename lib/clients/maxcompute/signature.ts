import { createHmac } from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Token of temporary credentials. */
  readonly securityToken?: string;
}

export interface SignedRequest {
  readonly method: string;
  /** Path below the endpoint's own, with its segments as they are meant, not encoded. */
  readonly path: string;
  /** Values as they are meant; empty text for a bare name. */
  readonly query: Readonly<Record<string, string>>;
  /** By lower-case name. `date` has to be there. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The text that a signature is made of. */
export function canonicalString({ method, path, query, headers }: SignedRequest): string {
  const lines = [method, headers['content-md5'] ?? '', headers['content-type'] ?? '', headers['date'] ?? ''];
  const own = Object.entries({ ...headers, ...query }).filter(([name]) => name.startsWith('x-odps-'));
  for (const [name, value] of own.sort(byName)) lines.push(`${name}:${value}`);
  const parameters = Object.entries(query)
    .sort(byName)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  lines.push(parameters.length === 0 ? path : `${path}?${parameters.join('&')}`);
  return lines.join('\n');
}

/** Makes the `Authorization` header; with a region by the newer signature, whose key is made for that region and day. */
export function requestSigner(region: string | undefined): (request: SignedRequest, credentials: Credentials, at: Date) => string {
  let cached: { readonly of: string; readonly key: Buffer } | undefined;
  return (request, { accessKeyId, accessKeySecret }, at) => {
    const text = canonicalString(request);
    if (region === undefined) return `ODPS ${accessKeyId}:${sha1(accessKeySecret, text)}`;
    const day = at.toISOString().slice(0, 10).replaceAll('-', '');
    const of = `${day}\0${accessKeySecret}`;
    if (cached?.of !== of) cached = { of, key: signingKey(accessKeySecret, day, region) };
    return `ODPS ${accessKeyId}/${day}/${region}/odps/aliyun_v4_request:${sha1(cached.key, text)}`;
  };
}

/** The key of one day and region. */
export function signingKey(accessKeySecret: string, day: string, region: string): Buffer {
  let key = Buffer.from(`aliyun_v4${accessKeySecret}`);
  for (const step of [day, region, 'odps', 'aliyun_v4_request']) key = createHmac('sha256', key).update(step).digest();
  return key;
}

function sha1(key: string | Buffer, text: string): string {
  return createHmac('sha1', key).update(text).digest('base64');
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
