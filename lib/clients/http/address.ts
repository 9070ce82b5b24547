import { lookup as resolveName } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ConfigError } from '../../core/errors.ts';

const special = new BlockList();
for (const range of [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10', // shared by carriers, and by the metadata service of Alibaba Cloud
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, and the metadata services of most clouds
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
])
  special.addSubnet(...subnet(range), 'ipv4');
// Of IPv6 only 2000::/3 is public, and within it not what is for documents, tunnels and benchmarks.
for (const range of ['2001::/23', '2001:db8::/32', '3fff::/20']) special.addSubnet(...subnet(range), 'ipv6');
const publicIpv6 = new BlockList();
publicIpv6.addSubnet('2000::', 3, 'ipv6');

function subnet(range: string): [net: string, prefix: number] {
  const [net, prefix] = range.split('/') as [string, string];
  return [net, Number(prefix)];
}

/** Whether an IP address is one that the public internet routes: not loopback, link-local, private, metadata, multicast or reserved, in whatever notation. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  if (family !== 6 || address.includes('%')) return false;
  const groups = ipv6Groups(address);
  const embedded = embeddedIpv4(groups);
  if (embedded !== undefined) return !special.check(embedded, 'ipv4');
  const plain = groups.map((group) => group.toString(16)).join(':');
  return publicIpv6.check(plain, 'ipv6') && !special.check(plain, 'ipv6');
}

/** The IPv4 address inside of a mapped (::ffff:a.b.c.d), translated (64:ff9b::a.b.c.d) or 6to4 (2002:…) address. */
function embeddedIpv4(groups: readonly number[]): string | undefined {
  const [a, b, c, d, e, f, g, h] = groups as [number, number, number, number, number, number, number, number];
  const isEmpty = a === 0 && b === 0 && c === 0 && d === 0;
  if (isEmpty && ((e === 0 && f === 0xffff) || (e === 0xffff && f === 0))) return dotted(g, h);
  if (a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0) return dotted(g, h);
  return a === 0x2002 ? dotted(b, c) : undefined;
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The eight groups of a valid IPv6 address. */
function ipv6Groups(address: string): readonly number[] {
  const quad = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text =
    quad === null
      ? address
      : `${quad[1]}${((Number(quad[2]) << 8) | Number(quad[3])).toString(16)}:${((Number(quad[4]) << 8) | Number(quad[5])).toString(16)}`;
  const [head = '', tail] = text.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...missing, ...after].map((group) => Number.parseInt(group, 16));
}

/** The error for a host that is, or resolves to, an address that only this network knows. */
function privateAddress(host: string, option: string): ConfigError {
  const advice = `Set ${option} to true if that is meant, or check the URL.`;
  return new ConfigError(
    'HTTP_PRIVATE_ADDRESS',
    `Expected ${host} to be a public address, found a private, loopback or metadata one. ${advice}`,
  );
}

/** Throws a ConfigError for a host that is written as an address which is not public: such a host is never looked up. */
export function checkHost(host: string, option: string): void {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  if (isIP(bare) !== 0 && !isPublicAddress(bare)) throw privateAddress(host, option);
}

/** A lookup for sockets that fails unless every address of the name is public. The socket connects to what was checked, so a name cannot change in between. */
export function publicLookup(option: string, resolve: LookupFunction = resolveName as LookupFunction): LookupFunction {
  return (host, options, callback) => {
    resolve(host, options, (error, found, family) => {
      if (error !== null) return callback(error, found, family);
      const addresses = typeof found === 'string' ? [found] : found.map(({ address }) => address);
      if (addresses.length > 0 && addresses.every(isPublicAddress)) return callback(null, found, family);
      callback(privateAddress(host, option), found, family);
    });
  };
}
