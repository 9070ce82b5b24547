import { createHash } from 'node:crypto';
import {
  GetBucketVersioningCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { ConfigError, RetriableError } from '../../core/errors.ts';
import type { ObjectHeaders, ObjectStore } from '../object-store.ts';
import { failureOf, noAnswer } from './answer.ts';
import { classify, errorOf, type Operation } from './classification.ts';
import type { ReadCredentials } from './credentials.ts';
import { metadataOf, storedWith, toOss } from './dialect.ts';
import { endpointOf, regionOf, type StoreOptions } from './options.ts';

export interface S3Settings {
  readonly options: StoreOptions;
  readonly credentials: ReadCredentials;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A bucket as `ObjectStore` has it, without the probe; and whether it keeps versions, undefined when that may not be known. */
export interface Bucket extends Omit<ObjectStore, 'probe'> {
  versioning(signal: AbortSignal): Promise<string | undefined>;
}

export function openBucket({ options, credentials, now }: S3Settings): Bucket {
  const { bucket: Bucket, store, requestTimeoutMs } = options;
  const checksum = options.checksum ?? (store === 'oss' ? 'md5' : 'crc32');
  const client = new S3Client(clientConfig(options, credentials));
  const extra = storedWith(options);

  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as { method: string; headers: Record<string, string> };
      if (request.method === 'PUT') Object.assign(request.headers, extra);
      if (store === 'oss') request.headers = toOss(request.headers);
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'storeDialect' },
  );

  /** Sends once, and sees to it that nothing is in flight afterwards. Throws a ConnectorError, or answers what `settle` makes of the rule. */
  const attempt = async <Result>(
    operation: Operation,
    signal: AbortSignal,
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<Result>,
  ): Promise<Result | 'exists' | 'absent'> => {
    if (signal.aborted) throw aborted();
    const over = new AbortController();
    const stop = () => over.abort();
    const timer = setTimeout(stop, requestTimeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    const stopped = new Promise<never>((_, reject) => over.signal.addEventListener('abort', () => reject(new Error('stopped'))));
    try {
      const sending = send({ abortSignal: over.signal });
      sending.catch(() => undefined);
      return await Promise.race([sending, stopped]);
    } catch (error) {
      if (signal.aborted) throw aborted();
      if (over.signal.aborted) throw new RetriableError('SINK_TIMEOUT', 'The store did not answer in time');
      const failure = failureOf(error, now);
      if (failure === undefined) throw noAnswer(error);
      const { means } = classify(operation, failure);
      if (means === 'exists' || means === 'absent') return means;
      throw errorOf(operation, failure);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  };

  const write = (name: string, body: Uint8Array, headers: ObjectHeaders, ifAbsent: boolean) => {
    const { contentType, contentEncoding, metadata } = headers;
    return new PutObjectCommand({
      ...{ Bucket, Key: name, Body: body, ContentLength: body.byteLength, ContentType: contentType, Metadata: { ...metadata } },
      ...(contentEncoding === undefined ? {} : { ContentEncoding: contentEncoding }),
      ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
      ...(checksum === 'md5' ? { ContentMD5: md5(body) } : {}),
      ...(checksum === 'crc32' ? { ChecksumAlgorithm: 'CRC32' } : {}),
      ...(checksum === 'sha256' ? { ChecksumAlgorithm: 'SHA256' } : {}),
    });
  };

  return {
    async create(name, body, headers, { signal }) {
      const answer = await attempt('create', signal, (http) => client.send(write(name, body, headers, true), http));
      if (answer === 'exists') return 'exists';
      requireTag(answer);
      return 'created';
    },
    async put(name, body, headers, { signal }) {
      requireTag(await attempt('put', signal, (http) => client.send(write(name, body, headers, false), http)));
    },
    async head(name, { signal }) {
      let metadata: Record<string, string> = {};
      const command = new HeadObjectCommand({ Bucket, Key: name });
      command.middlewareStack.add(
        (next) => async (args) => {
          const result = await next(args);
          metadata = metadataOf((result.response as { headers: Record<string, string> }).headers);
          return result;
        },
        { step: 'deserialize', priority: 'low', name: 'rawMetadata' },
      );
      const answer = await attempt('head', signal, (http) => client.send(command, http));
      return typeof answer === 'string' ? undefined : { name, size: answer.ContentLength ?? 0, metadata };
    },
    async *list({ prefix, startAfter, endBefore }, { signal }) {
      const end = endBefore === undefined ? undefined : Buffer.from(endBefore);
      let token: string | undefined;
      do {
        const command = new ListObjectsV2Command({
          ...{ Bucket, Prefix: prefix },
          ...(token === undefined ? {} : { ContinuationToken: token }),
          ...(token !== undefined || startAfter === undefined ? {} : { StartAfter: startAfter }),
        });
        const page = await attempt('list', signal, (http) => client.send(command, http));
        if (typeof page === 'string') return;
        for (const { Key: name } of page.Contents ?? []) {
          if (name === undefined) continue;
          if (end !== undefined && Buffer.compare(Buffer.from(name), end) >= 0) return;
          yield { name };
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
        if (page.IsTruncated === true && token === undefined)
          throw new RetriableError('SINK_ANSWER_INCOMPLETE', 'The store cut a listing off without saying how it goes on');
      } while (token !== undefined);
    },
    async versioning(signal) {
      try {
        const answer = await attempt('list', signal, (http) => client.send(new GetBucketVersioningCommand({ Bucket }), http));
        return typeof answer === 'string' ? undefined : answer.Status;
      } catch (error) {
        if (error instanceof ConfigError) return undefined; // not everybody may ask
        throw error;
      }
    },
    async close() {
      client.destroy();
    },
  };
}

function clientConfig(options: StoreOptions, credentials: ReadCredentials): S3ClientConfig {
  const endpoint = endpointOf(options);
  const region = regionOf(options.region) ?? (endpoint === undefined ? undefined : 'us-east-1');
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: options.forcePathStyle,
    maxAttempts: 1,
    // What the store is asked to check is said with each request. OSS refuses a checksum it does not know, and trailers altogether.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Asking before each large body costs a connection of its own.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: options.connectTimeoutMs, requestTimeout: 0 },
  };
}

function requireTag(answer: { readonly ETag?: string | undefined } | 'exists' | 'absent'): void {
  if (typeof answer === 'string' || answer.ETag === undefined)
    throw new RetriableError('SINK_ANSWER_INCOMPLETE', 'Something in front of the store answered in its place');
}

function aborted(): RetriableError {
  return new RetriableError('SINK_ABORTED', 'The time for writing is over');
}

function md5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('base64');
}
