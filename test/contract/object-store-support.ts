import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Type } from 'typebox';
import { type OpenStoreOptions, openObjectStore } from '../../lib/clients/object-store/open.ts';
import { storeOptions } from '../../lib/clients/object-store/options.ts';
import { parseConfig } from '../../lib/core/config.ts';
import { ConfigError } from '../../lib/core/errors.ts';
import type { CloudCredentials } from '../../lib/core/sink.ts';
import { type HttpFault, type HttpFaults, startHttpFaults } from '../support/servers/http-faults.ts';
import { ossEndpoint, startOss } from '../support/servers/oss.ts';
import { startProxy } from '../support/servers/proxy.ts';
import type { SharedServers } from '../support/servers/shared.ts';

/** An object as another client reads it. */
export interface FoundObject {
  readonly name: string;
  readonly body: Buffer;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** A bucket of its own in a store, with everything that can come between. */
export interface StoreUnderTest {
  /** The options that reach it through the faults, with secrets by the names below. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly bucket: string;
  readonly network: Awaited<ReturnType<typeof startProxy>>;
  readonly http: HttpFaults;
  /** Every object but the one of the probe, read with a client that knows nothing of the sink's. */
  objects(): Promise<readonly FoundObject[]>;
  /** Removes every object but the one of the probe. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export const probeName = '_sluice/probe';
let buckets = 0;

export interface S3UnderTest extends StoreUnderTest {
  tags(name: string): Promise<Readonly<Record<string, string>>>;
  setVersioning(status: 'Enabled' | 'Suspended'): Promise<void>;
}

/** A new bucket on the real S3 server. */
export async function s3UnderTest(server: SharedServers['s3']): Promise<S3UnderTest> {
  const bucket = `sluice-${process.pid}-${buckets++}`;
  const { accessKeyId, secretAccessKey, region, endpoint, port } = server;
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const http = await startHttpFaults({ port });
  const network = await startProxy({ host: '127.0.0.1', port: http.port });
  return {
    ...{ bucket, network, http },
    config: {
      ...{ store: 's3', bucket, region, forcePathStyle: true, endpoint: `http://127.0.0.1:${network.port}` },
      credentials: { accessKeyId: { env: 'KEY_ID' }, secretAccessKey: { env: 'KEY_SECRET' } },
    },
    secrets: { KEY_ID: accessKeyId, KEY_SECRET: secretAccessKey },
    objects: () => readObjects(client, bucket),
    clear: () => clearObjects(client, bucket),
    async tags(name) {
      const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: name }));
      return Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key, Value]));
    },
    async setVersioning(Status) {
      await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));
    },
    async close() {
      client.destroy();
      await network.stop();
      await http.stop();
    },
  };
}

export interface OssUnderTest extends StoreUnderTest {
  readonly server: Awaited<ReturnType<typeof startOss>>;
}

/** A bucket of a stand-in for OSS. */
export async function ossUnderTest(): Promise<OssUnderTest> {
  const server = await startOss();
  const secrets = { KEY_ID: 'LTAI-sluice-tests', KEY_SECRET: 'sluice-tests-oss-secret' };
  server.keys.set(secrets.KEY_ID, { secret: secrets.KEY_SECRET });
  const http = await startHttpFaults({ port: server.port });
  const network = await startProxy({ host: '127.0.0.1', port: http.port });
  const { bucket, region, objects } = server;
  return {
    ...{ server, bucket, network, http, secrets },
    config: {
      ...{ store: 'oss', bucket, region, endpoint: ossEndpoint(region, network.port) },
      credentials: { accessKeyId: { env: 'KEY_ID' }, secretAccessKey: { env: 'KEY_SECRET' } },
    },
    async objects() {
      const found = [...objects].filter(([name]) => !isProbe(name));
      return found.map(([name, { body, headers }]) => ({
        ...{ name, body, headers },
        contentType: headers['content-type'],
        contentEncoding: headers['content-encoding'],
      }));
    },
    async clear() {
      for (const name of objects.keys()) if (!isProbe(name)) objects.delete(name);
    },
    async close() {
      await network.stop();
      await http.stop();
      await server.stop();
    },
  };
}

function isProbe(name: string): boolean {
  return name.endsWith(probeName);
}

async function namesOf(client: S3Client, bucket: string): Promise<readonly string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }));
    for (const { Key } of page.Contents ?? []) if (Key !== undefined && !isProbe(Key)) names.push(Key);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return names;
}

async function readObjects(client: S3Client, bucket: string): Promise<readonly FoundObject[]> {
  const read = async (name: string): Promise<FoundObject> => {
    const { Body, Metadata, ContentType, ContentEncoding } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
    const metadata = Object.entries(Metadata ?? {}).map(([key, value]) => [`x-amz-meta-${key}`, value]);
    const body = Buffer.from((await Body?.transformToByteArray()) ?? []);
    return { name, body, contentType: ContentType, contentEncoding: ContentEncoding, headers: Object.fromEntries(metadata) };
  };
  return Promise.all((await namesOf(client, bucket)).map(read));
}

async function clearObjects(client: S3Client, bucket: string): Promise<void> {
  const names = await namesOf(client, bucket);
  await Promise.all(names.map((name) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name }))));
}

/** Opens the client under test on a store, with options and secrets changed as given. */
export async function openStore(
  { config, secrets }: Pick<StoreUnderTest, 'config' | 'secrets'>,
  changes: {
    readonly options?: object;
    readonly secrets?: Readonly<Record<string, string>>;
    readonly credentials?: () => CloudCredentials | undefined;
    readonly open?: OpenStoreOptions;
  } = {},
) {
  const known = changes.secrets ?? secrets;
  const options = parseConfig(Type.Object(storeOptions), { ...config, ...changes.options }, 'connector.sink');
  const context = {
    now: Date.now,
    ...(changes.credentials === undefined ? {} : { credentials: changes.credentials }),
    async secret(reference: object) {
      const found = 'env' in reference ? known[String(reference.env)] : undefined;
      if (found === undefined) throw new ConfigError('SECRET_MISSING', 'The test does not know that secret.');
      return found;
    },
  };
  return openObjectStore(options, context, changes.open);
}

/** Lets requests that write an object, the probe apart, fail this way; the first `times` only when given. */
export function failWrites({ http }: Pick<StoreUnderTest, 'http'>, fault: HttpFault, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  http.onRequest = ({ method, path }) => (method === 'PUT' && !path.endsWith(probeName) && left-- > 0 ? fault : undefined);
}
