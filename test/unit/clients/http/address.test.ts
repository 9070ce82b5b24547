import type { LookupFunction } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHost, isPublicAddress, publicLookup } from '../../../../lib/clients/http/address.ts';
import { ConfigError } from '../../../../lib/core/errors.ts';

const inside = ['127.0.0.1', '127.8.8.8', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254'];
const insideToo = [
  '100.100.100.200',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'fc00::1',
  'ff02::1',
];
const outside = ['8.8.8.8', '172.15.255.255', '172.32.0.1', '100.63.255.255', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450:4001::1'];

describe('isPublicAddress', () => {
  it.each([...inside, ...insideToo])('says no to %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(outside)('says yes to %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it('judges an IPv4 address the same in every IPv6 notation of it', () => {
    const octet = fc.nat(255);
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), ([a, b, c, d]) => {
        const plain = `${a}.${b}.${c}.${d}`;
        const high = ((a << 8) | b).toString(16);
        const low = ((c << 8) | d).toString(16);
        const notations = [
          `::ffff:${plain}`,
          `::ffff:${high}:${low}`,
          `0:0:0:0:0:ffff:${high}:${low}`,
          `64:ff9b::${plain}`,
          `2002:${high}:${low}::1`,
        ];
        for (const notation of notations) expect([notation, isPublicAddress(notation)]).toEqual([notation, isPublicAddress(plain)]);
      }),
    );
  });

  it('says no to what is no address at all', () => {
    expect(isPublicAddress('localhost')).toBe(false);
    expect(isPublicAddress('')).toBe(false);
  });
});

describe('checkHost', () => {
  it.each([
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://017700000001/',
  ])('refuses %s, however it is written', (url) => {
    expect(() => checkHost(new URL(url).hostname, 'connector.sink.allowPrivate')).toThrow(ConfigError);
  });

  it('lets names pass, which are checked when they are looked up', () => {
    expect(() => checkHost('localhost', 'connector.sink.allowPrivate')).not.toThrow();
  });
});

describe('publicLookup', () => {
  const answering =
    (...addresses: string[]): LookupFunction =>
    (_, options, callback) =>
      options.all === true
        ? callback(
            null,
            addresses.map((address) => ({ address, family: 4 })),
          )
        : callback(null, addresses[0] ?? '', 4);
  const look = (all: boolean, ...addresses: string[]) =>
    new Promise((resolve) => {
      publicLookup('connector.sink.allowPrivate', answering(...addresses))('example.org', { all }, (error, found) =>
        resolve(error ?? found),
      );
    });

  it('hands on exactly the addresses that it checked', async () => {
    expect(await look(false, '8.8.8.8')).toBe('8.8.8.8');
    expect(await look(true, '8.8.8.8', '1.1.1.1')).toMatchObject([{ address: '8.8.8.8' }, { address: '1.1.1.1' }]);
  });

  it('fails when one of several addresses is not public', async () => {
    expect(await look(true, '8.8.8.8', '10.0.0.1')).toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS', class: 'config' });
    expect(await look(false, '169.254.169.254')).toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS' });
  });
});
