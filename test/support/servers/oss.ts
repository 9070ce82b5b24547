import { createHash } from 'node:crypto';
import dns from 'node:dns';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isSigned, type SignedRequest, signatureOf } from './signature.ts';

export interface OssObject {
  readonly body: Buffer;
  /** What it is stored with, by the names that OSS gives back. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface OssKey {
  readonly secret: string;
  /** Temporary credentials are good together with their token only. */
  readonly token?: string;
}

export interface OssServer {
  readonly port: number;
  readonly region: string;
  readonly bucket: string;
  readonly objects: Map<string, OssObject>;
  /** The access keys that it knows, by their ids. */
  readonly keys: Map<string, OssKey>;
  /** Versioning of the bucket: with either, objects are overwritten whatever was asked. */
  versioning: 'Enabled' | 'Suspended' | undefined;
  /** How the names of metadata begin in answers. */
  metadataPrefix: 'x-oss-meta-' | 'x-amz-meta-';
  /** Every request that was understood. */
  readonly requests: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders }[];
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const SKEW_MS = 15 * 60_000;
const pageSize = 1_000;
const domain = '.oss.test';

/** Where a server that listens on this port is found by the names of its buckets, in this process. */
export function ossEndpoint(region: string, port: number): string {
  resolveHere();
  return `http://s3.oss-${region}${domain}:${port}`;
}

let isResolved = false;

/** Lets the names of buckets lead to this machine: not every system resolves names below localhost. */
function resolveHere(): void {
  if (isResolved) return;
  isResolved = true;
  const lookup = dns.lookup as (host: string, ...rest: readonly unknown[]) => void;
  dns.lookup = ((host: string, ...rest: readonly unknown[]) =>
    lookup(host.endsWith(domain) ? '127.0.0.1' : host, ...rest)) as typeof dns.lookup;
}

/** Starts a stand-in for Alibaba Cloud OSS behind its S3 endpoint, which refuses what OSS refuses. */
export async function startOss({ bucket = 'sluice-oss', region = 'cn-hangzhou' } = {}): Promise<OssServer> {
  const oss: { -readonly [Name in keyof OssServer]: OssServer[Name] } = {
    ...{ port: 0, region, bucket, objects: new Map(), keys: new Map(), requests: [] },
    versioning: undefined,
    metadataPrefix: 'x-oss-meta-',
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = {
        method: incoming.method ?? 'GET',
        url: incoming.url ?? '/',
        headers: incoming.headers,
        body: Buffer.concat(chunks),
      };
      const { status, headers, body } = answer(oss, request);
      response.writeHead(status, { server: 'AliyunOSS', 'x-oss-request-id': '6921F3A0', ...headers });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  oss.port = (server.address() as AddressInfo).port;
  return oss;
}

function answer(oss: OssServer, request: SignedRequest): Answer {
  const { method, headers } = request;
  const refused = refusal(oss, request);
  if (refused !== undefined) return refused;
  const { bucket, key, query } = addressOf(request);
  if (bucket === undefined) return failure(403, 'SecondLevelDomainForbidden', '0003-00001401');
  oss.requests.push({ method, url: request.url, headers });
  if (bucket !== oss.bucket) return failure(404, 'NoSuchBucket', '0015-00000101');
  if (key === '') return method === 'GET' ? answerBucket(oss, query) : failure(405, 'MethodNotAllowed', '0002-00000101');
  if (method === 'PUT') return write(oss, key, request);
  const object = oss.objects.get(key);
  if (method === 'DELETE') {
    oss.objects.delete(key);
    return { status: 204 };
  }
  if (object === undefined) return failure(404, 'NoSuchKey', '0026-00000001');
  const shown = Object.entries(object.headers).map(([name, value]) => [name.replace(/^x-oss-meta-/, oss.metadataPrefix), value]);
  return { status: 200, headers: { ...Object.fromEntries(shown), 'content-length': String(object.body.length) }, body: object.body };
}

/** What is wrong with a request before anybody looks at what it asks for. */
function refusal({ keys }: OssServer, request: SignedRequest): Answer | undefined {
  const { headers } = request;
  const signature = signatureOf(request);
  if (signature === undefined) return failure(403, 'AccessDenied', '0003-00000001');
  const key = keys.get(signature.accessKeyId);
  if (key === undefined) return failure(403, 'InvalidAccessKeyId', '0002-00000902');
  const token = headers['x-amz-security-token'] ?? headers['x-oss-security-token'];
  if (key.token !== token) return failure(403, 'InvalidSecurityToken', '0002-00000906');
  if (!isSigned(request, key.secret)) return failure(403, 'SignatureDoesNotMatch', '0002-00000040');
  if (Math.abs(timeOf(String(headers['x-amz-date'])) - Date.now()) > SKEW_MS) return failure(403, 'RequestTimeTooSkewed', '0002-00000504');
  if (String(headers['x-amz-content-sha256']).startsWith('STREAMING-')) return failure(400, 'InvalidArgument', '0017-00000804');
  return undefined;
}

function write(oss: OssServer, key: string, { headers, body }: SignedRequest): Answer {
  if (headers['if-none-match'] !== undefined || headers['if-match'] !== undefined) return failure(501, 'NotImplemented', '0017-00000701');
  if (headers['content-length'] === undefined) return failure(411, 'MissingContentLength', '0017-00000101');
  if (Object.keys(headers).some((name) => /^x-amz-(?:checksum|sdk-checksum|trailer)/.test(name)))
    return failure(400, 'InvalidArgument', '0017-00000804');
  if (/^[/\\]/.test(key) || Buffer.byteLength(key) > 1_023) return failure(400, 'InvalidObjectName', '0025-00000101');
  const digest = headers['content-md5'];
  if (digest !== undefined && digest !== md5(body).toString('base64')) return failure(400, 'InvalidDigest', '0017-00000301');
  const own = Object.entries(headers).filter(([name]) => /^x-oss-(?:meta-|server-side|storage-class|tagging)/.test(name));
  const translated = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  if ([...own, ...translated].some(([name]) => name.includes('_'))) return failure(400, 'InvalidArgument', '0017-00000001');
  if (headers['x-oss-forbid-overwrite'] === 'true' && oss.versioning === undefined && oss.objects.has(key))
    return failure(409, 'FileAlreadyExists', '0026-00000002');
  const kept = [...own, ...translated.map(([name, value]) => [name.replace('x-amz-', 'x-oss-'), value] as const)];
  const standard = ['content-type', 'content-encoding'].flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]));
  const etag = `"${md5(body).toString('hex').toUpperCase()}"`;
  oss.objects.set(key, { body, headers: { ...Object.fromEntries([...standard, ...kept]), etag } });
  return { status: 200, headers: { etag } };
}

function answerBucket(oss: OssServer, query: URLSearchParams): Answer {
  if (query.has('versioning')) {
    const status = oss.versioning === undefined ? '' : `<Status>${oss.versioning}</Status>`;
    return xml(200, `<VersioningConfiguration>${status}</VersioningConfiguration>`);
  }
  if (query.get('list-type') !== '2') return failure(501, 'NotImplemented', '0017-00000701');
  const prefix = query.get('prefix') ?? '';
  const after = Buffer.from(query.get('continuation-token') ?? query.get('start-after') ?? '');
  const names = [...oss.objects.keys()]
    .filter((name) => name.startsWith(prefix) && Buffer.compare(Buffer.from(name), after) > 0)
    .toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  const page = names.slice(0, Math.min(Number(query.get('max-keys') ?? pageSize), pageSize));
  const isTruncated = page.length < names.length;
  const contents = page.map((name) => `<Contents><Key>${escaped(name)}</Key></Contents>`).join('');
  const next = isTruncated ? `<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>` : '';
  return xml(200, `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${contents}${next}</ListBucketResult>`);
}

/** Where a request goes: OSS wants the bucket in the name of the host. */
function addressOf({ url, headers }: SignedRequest) {
  const { hostname, pathname, searchParams: query } = new URL(url, `http://${headers.host}`);
  const bucket = /^(.+)\.s3\.oss-[a-z0-9-]+\./.exec(hostname)?.[1];
  return { bucket, key: decodeURIComponent(pathname.slice(1)), query };
}

function failure(status: number, code: string, ec: string): Answer {
  return xml(status, `<Error><Code>${code}</Code><Message>${code}.</Message><RequestId>6921F3A0</RequestId><EC>${ec}</EC></Error>`, {
    'x-oss-ec': ec,
  });
}

function xml(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** `20261121T080000Z` in milliseconds since the epoch. */
function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function md5(body: Buffer): Buffer {
  return createHash('md5').update(body).digest();
}
