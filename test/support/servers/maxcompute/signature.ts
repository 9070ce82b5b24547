import { createHmac } from 'node:crypto';
import { Refusal } from './refusal.ts';
import type { ServiceRequest } from './request.ts';

export interface Account {
  readonly accessKey: string;
  /** Temporary credentials come with a token, which has to be sent along. */
  readonly securityToken?: string;
  /** Milliseconds since the epoch after which the token is worth nothing. */
  readonly expiresAt?: number;
}

const maxSkewMs = 15 * 60_000;

interface Rules {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly now: number;
  /** Signatures of the newer kind have to name it. */
  readonly region?: string;
}

/** Throws a Refusal unless the request is signed as the service wants it, by somebody it knows, not long ago. */
export function expectSigned(request: ServiceRequest, { accounts, now, region }: Rules): void {
  const date = single(request, 'date');
  if (date === undefined) throw new Refusal('MissingRequiredHeaderError', 'Expected a Date header.');
  const [, credential = '', signature = ''] = /^ODPS (.+):([A-Za-z0-9+/=]+)$/.exec(single(request, 'authorization') ?? '') ?? [];
  const [accessId = '', day, signedRegion, service, terminator] = credential.split('/');
  const account = accounts.get(accessId);
  if (account === undefined) throw new Refusal('Unauthorized', 'ODPS-0410051:Invalid credentials - accessKeyId not found');
  if (region !== undefined && day !== undefined && signedRegion !== region)
    throw new Refusal('Unauthorized', 'ODPS-0410051:Invalid credentials - the signature names another region');
  if (day !== undefined && (service !== 'odps' || terminator !== 'aliyun_v4_request' || day !== dayOf(now)))
    throw new Refusal('Unauthorized', 'ODPS-0410051:Invalid credentials - the scope of the signature is not valid');
  const key =
    day === undefined || signedRegion === undefined ? Buffer.from(account.accessKey) : derivedKey(account.accessKey, day, signedRegion);
  const expected = createHmac('sha1', key).update(canonicalString(request)).digest('base64');
  if (signature !== expected) throw new Refusal('Unauthorized', 'ODPS-0410042:Invalid signature value - signature does not match');
  expectToken(account, single(request, 'authorization-sts-token'), now);
  if (!(Math.abs(now - Date.parse(date)) <= maxSkewMs))
    throw new Refusal('RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.');
}

function expectToken({ securityToken, expiresAt }: Account, sent: string | undefined, now: number): void {
  if (sent !== securityToken) throw new Refusal('Unauthorized', 'ODPS-0410051:Invalid credentials - the security token is not valid');
  if (expiresAt !== undefined && now >= expiresAt)
    throw new Refusal('Unauthorized', 'ODPS-0410051:Invalid credentials - the security token has expired');
}

function derivedKey(accessKey: string, day: string, region: string): Buffer {
  return [day, region, 'odps', 'aliyun_v4_request'].reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`aliyun_v4${accessKey}`),
  );
}

/** Everything of a request that its signature covers. */
export function canonicalString(request: Pick<ServiceRequest, 'method' | 'path' | 'query' | 'headers'>): string {
  const { method, path, query, headers } = request;
  const own = new Map<string, string>();
  for (const source of [Object.entries(headers), [...query]])
    for (const [name, value] of source) if (name.toLowerCase().startsWith('x-odps-')) own.set(name.toLowerCase(), String(value));
  const lines = [...own].toSorted(byKey).map(([name, value]) => `${name}:${value}`);
  const pairs = [...query].toSorted(byKey).map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  const resource = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
  const header = (name: string) => single({ headers }, name) ?? '';
  return [method, header('content-md5'), header('content-type'), header('date'), ...lines, resource].join('\n');
}

function single({ headers }: Pick<ServiceRequest, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : Number(a > b);
}

function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
}
