import { type Static, Type } from 'typebox';
import { deployed } from '../../core/deployed.ts';
import { Secret } from '../../core/secret.ts';

const Name = Type.String({ minLength: 1 });
/** What stores take in the keys and values of tags. */
const tagText = /^[\p{L}\p{N}\p{Z}_.:/=+@-]*$/u;

/** The options of a sink that say which store, and how to speak to it. */
export const storeOptions = {
  store: Type.Union([Type.Literal('s3'), Type.Literal('oss')], {
    default: 's3',
    description:
      'How the store wants to be spoken to: as Amazon S3, which MinIO, Cloudflare R2 and most others speak too, or as Alibaba Cloud OSS, which asks for objects that must not exist yet in a way of its own.',
  }),
  bucket: deployed(
    Type.String({
      pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
      description: 'Bucket to write to. It has to exist. On OSS it must not have versioning, neither enabled nor suspended.',
    }),
  ),
  region: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9-]+$',
      description: "Region of the bucket, e.g. eu-west-1 or cn-hangzhou. On S3 the function's own by default; OSS needs it.",
    }),
  ),
  endpoint: Type.Optional(
    deployed(
      Type.String({
        format: 'uri',
        description: 'Base URL of a store elsewhere than at the vendor, or behind a domain of your own, without the bucket.',
      }),
      'https://known-at-deployment.invalid',
    ),
  ),
  internal: Type.Boolean({
    default: false,
    description: 'Whether to reach OSS by its internal endpoint: free of traffic costs, from within the same region only.',
  }),
  forcePathStyle: Type.Boolean({
    default: false,
    description:
      'Whether the bucket is named in the path of the URL rather than in its host, as MinIO and other stores of your own expect. OSS refuses it.',
  }),
  credentials: Type.Optional(
    Type.Object(
      {
        accessKeyId: Secret({ description: 'Id of the access key.' }),
        secretAccessKey: Secret({ description: 'Secret of the access key.' }),
        sessionToken: Type.Optional(Secret({ description: 'Token of temporary credentials.' })),
      },
      { description: 'Access key to use instead of the role of the function, worker or machine.' },
    ),
  ),
  encryption: Type.Optional(
    Type.Object(
      {
        type: Type.Union([Type.Literal('AES256'), Type.Literal('KMS'), Type.Literal('SM4')], {
          description: 'AES256 with keys of the store, KMS with keys of the key management service, or SM4 (OSS only).',
        }),
        key: Type.Optional(Type.String({ minLength: 1, description: "Id or ARN of the key, with KMS. The account's own by default." })),
      },
      { description: "Encryption of objects at rest. The bucket's own setting by default." },
    ),
  ),
  storageClass: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z_]+$',
      description: 'Storage class of the objects, e.g. STANDARD_IA or GLACIER_IR on S3, IA or Archive on OSS.',
    }),
  ),
  tags: Type.Record(Name, Type.String({ maxLength: 256, pattern: tagText.source }), {
    default: {},
    description:
      'Tags that every object gets: at most 10, of letters, digits, spaces and _ . : / = + - @, which lifecycle rules and cost reports can select by.',
  }),
  checksum: Type.Optional(
    Type.Union([Type.Literal('crc32'), Type.Literal('sha256'), Type.Literal('md5'), Type.Literal('none')], {
      description:
        'Checksum that the store verifies what arrived by. By default crc32 on S3 and md5, the only one it knows, on OSS. Set md5 or none for a store that refuses the newer ones.',
    }),
  ),
  connectTimeoutMs: Type.Integer({
    minimum: 100,
    default: 3_000,
    description: 'Milliseconds after which a connection attempt is given up.',
  }),
  requestTimeoutMs: Type.Integer({
    minimum: 100,
    default: 60_000,
    description: 'Milliseconds after which a request is given up: long enough for the largest object on the slowest line.',
  }),
};

const all = Type.Object(storeOptions);
export type StoreOptions = Static<typeof all>;

interface Problem {
  readonly path: string;
  readonly message: string;
}

/** A message for each combination of options that makes no sense. */
export function checkStoreOptions(options: StoreOptions): readonly Problem[] {
  const problems: Problem[] = [];
  const say = (option: string, message: string) => problems.push({ path: `connector.sink.${option}`, message });
  const { store, region, endpoint, internal, forcePathStyle, encryption, checksum, tags } = options;
  const url = endpoint === undefined ? undefined : new URL(endpoint);
  if (url !== undefined && !['http:', 'https:'].includes(url.protocol))
    say('endpoint', 'Expected connector.sink.endpoint to begin with http:// or https://.');
  if (url !== undefined && (url.username !== '' || url.password !== ''))
    say('endpoint', 'Expected connector.sink.endpoint to be without a password. Set connector.sink.credentials.');
  if (internal && store !== 'oss') say('internal', 'Expected connector.sink.internal to be false, as only OSS has internal endpoints.');
  if (internal && endpoint !== undefined)
    say('internal', 'Expected one of connector.sink.internal and endpoint, got both. Leave out the one that does not apply.');
  if (store === 'oss') {
    if (region === undefined) say('region', 'Expected connector.sink.region, as OSS has no default. Set it, e.g. to cn-hangzhou.');
    if (forcePathStyle) say('forcePathStyle', 'Expected connector.sink.forcePathStyle to be false, as OSS refuses it.');
    if (checksum === 'crc32' || checksum === 'sha256')
      say('checksum', 'Expected connector.sink.checksum to be md5 or none, as OSS knows no other.');
  } else if (encryption?.type === 'SM4') say('encryption', 'Expected connector.sink.encryption.type to be AES256 or KMS: SM4 is for OSS.');
  if (encryption?.key !== undefined && encryption.type !== 'KMS')
    say('encryption', 'Expected connector.sink.encryption.key only with type: KMS. Leave it out, or set type to KMS.');
  if (options.bucket.endsWith('--x-s3'))
    say('bucket', 'Expected connector.sink.bucket to be a general purpose bucket: a directory bucket does not list in order.');
  if (Object.keys(tags).length > 10)
    say('tags', `Expected connector.sink.tags to have at most 10 tags, got ${Object.keys(tags).length}. Leave some out.`);
  if (Object.keys(tags).some((key) => key.length > 128 || !tagText.test(key)))
    say('tags', 'Expected the keys of connector.sink.tags to be at most 128 letters, digits, spaces and _ . : / = + - @.');
  return problems;
}

/** The base URL to send requests to; undefined where the client library finds it by the region. */
export function endpointOf({ store, region, endpoint, internal }: Pick<StoreOptions, 'store' | 'region' | 'endpoint' | 'internal'>) {
  if (endpoint !== undefined || store !== 'oss') return endpoint;
  return `https://s3.oss-${regionOf(region)}${internal ? '-internal' : ''}.aliyuncs.com`;
}

/** The region by the name that requests are signed with: OSS writes it both with and without `oss-`. */
export function regionOf(region: string | undefined): string | undefined {
  return region?.replace(/^oss-/, '');
}
