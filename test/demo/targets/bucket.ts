import { createHash, createHmac } from 'node:crypto';

export interface BucketAccess {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A bucket, asked with requests that are signed here: nothing of the client library that sinks use. */
export interface Bucket {
  create(): Promise<void>;
  list(): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
  read(name: string): Promise<{ readonly body: Buffer; readonly headers: Headers }>;
}

export function openBucket(access: BucketAccess, bucket: string): Bucket {
  const ask = async (method: string, name = '', query: Readonly<Record<string, string>> = {}, accepted: readonly number[] = [200]) => {
    const response = await fetch(signed(access, method, `/${bucket}${name === '' ? '' : `/${name}`}`, query));
    if (!accepted.includes(response.status)) throw new Error(`Expected the store to do ${method} ${name}, got status ${response.status}.`);
    return response;
  };
  return {
    create: async () => void (await ask('PUT', '', {}, [200, 409])),
    async list() {
      const objects: { name: string; bytes: number }[] = [];
      for (let token = ''; ; ) {
        const response = await ask('GET', '', { 'list-type': '2', ...(token === '' ? {} : { 'continuation-token': token }) });
        const xml = await response.text();
        for (const [, entry = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs))
          objects.push({ name: element(entry, 'Key'), bytes: Number(element(entry, 'Size')) });
        token = element(xml, 'NextContinuationToken');
        if (token === '') return objects;
      }
    },
    async read(name) {
      const response = await ask('GET', name);
      return { body: Buffer.from(await response.arrayBuffer()), headers: response.headers };
    },
  };
}

function element(xml: string, name: string): string {
  const [, text = ''] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? [];
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&#34;', '"').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

const emptyBody = createHash('sha256').digest('hex');

/** A request without a body, with AWS's signature, version 4. */
function signed(
  { endpoint, region, accessKeyId, secretAccessKey }: BucketAccess,
  method: string,
  path: string,
  query: Readonly<Record<string, string>>,
): Request {
  const url = `${path.split('/').map(encoded).join('/')}`;
  const parameters = Object.entries(query)
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&');
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const headers = { host: new URL(endpoint).host, 'x-amz-content-sha256': emptyBody, 'x-amz-date': time };
  const names = Object.keys(headers).join(';');
  const canonical = [method, url, parameters, ...Object.entries(headers).map(([name, value]) => `${name}:${value}`), '', names, emptyBody];
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical.join('\n')).digest('hex')].join('\n');
  const key = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secretAccessKey}`);
  const signature = hmac(key, text).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},SignedHeaders=${names},Signature=${signature}`;
  return new Request(`${endpoint}${url}${parameters === '' ? '' : `?${parameters}`}`, { method, headers: { ...headers, authorization } });
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
