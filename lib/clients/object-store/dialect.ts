import type { StoreOptions } from './options.ts';

type Headers = Readonly<Record<string, string>>;

/** What every object of these options is stored with, in the words of S3; `toOss` translates. */
export function storedWith({ store, encryption, storageClass, tags }: StoreOptions): Headers {
  const headers: Record<string, string> = {};
  if (encryption !== undefined) headers['x-amz-server-side-encryption'] = encryptionWord(store, encryption.type);
  if (encryption?.key !== undefined) headers['x-amz-server-side-encryption-aws-kms-key-id'] = encryption.key;
  if (storageClass !== undefined) headers['x-amz-storage-class'] = storageClass;
  const pairs = Object.entries(tags);
  if (pairs.length > 0)
    headers['x-amz-tagging'] = pairs.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&');
  return headers;
}

function encryptionWord(store: StoreOptions['store'], type: NonNullable<StoreOptions['encryption']>['type']): string {
  return store === 's3' && type === 'KMS' ? 'aws:kms' : type;
}

const ossNames: ReadonlyMap<string, string> = new Map([
  ['x-amz-server-side-encryption', 'x-oss-server-side-encryption'],
  ['x-amz-server-side-encryption-aws-kms-key-id', 'x-oss-server-side-encryption-key-id'],
  ['x-amz-storage-class', 'x-oss-storage-class'],
  ['x-amz-tagging', 'x-oss-tagging'],
]);

/** The headers of a write as OSS understands them: its own names beside the ones that the signature needs, and no condition that it would refuse. */
export function toOss(headers: Headers): Record<string, string> {
  const translated: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (lower === 'if-none-match') translated['x-oss-forbid-overwrite'] = 'true';
    else if (lower.startsWith('x-amz-meta-')) translated[lower.replace('x-amz-', 'x-oss-')] = value;
    else translated[ossNames.get(lower) ?? name] = value;
  }
  return translated;
}

/** What the headers of an answer say of an object's metadata, however the store spells them. Names are in lower case. */
export function metadataOf(headers: Headers): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const own = /^x-(?:amz|oss)-meta-(.+)$/.exec(name.toLowerCase())?.[1];
    if (own !== undefined) metadata[own] = value;
  }
  return metadata;
}
