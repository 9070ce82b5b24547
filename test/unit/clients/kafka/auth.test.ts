import { describe, expect, it } from 'vitest';
import { readCredentials } from '../../../../lib/clients/kafka/auth.ts';
import { brokersOf, type ClusterConfig, clusterSchema } from '../../../../lib/clients/kafka/cluster-config.ts';
import { parseConfig, readConfig } from '../../../../lib/core/config.ts';

const secrets: Record<string, string> = {
  LOGIN: '{"username":"ann","password":"sentinel"}',
  PASSWORD: 'sentinel',
  NAME: 'bob',
  CA: '{"certificate":"PEM of the authority"}',
  CLIENT: '{"certificate":"cert","privateKey":"key","privateKeyPassword":"pass"}',
};
const context = {
  secret: async (reference: object) => secrets[(reference as { env: string }).env] ?? '',
  now: () => 0,
  fetch,
  env: {},
};
const read = (config: Omit<ClusterConfig, 'bootstrapServers'>) => readCredentials({ bootstrapServers: 'b:9092', ...config }, context);

describe('credentials', () => {
  it('are read from one secret in the form that Lambda reads too, and TLS is on', async () => {
    expect(await read({ auth: { type: 'sasl-scram-512', secret: { env: 'LOGIN' } } })).toEqual({
      ssl: {},
      sasl: { mechanism: 'scram-sha-512', username: 'ann', password: 'sentinel' },
    });
  });

  it('are read from a user name and a password, and TLS is off only where that is written', async () => {
    const auth = { type: 'sasl-plain', username: { env: 'NAME' }, password: { env: 'PASSWORD' } } as const;
    expect(await read({ auth, tls: false })).toEqual({ sasl: { mechanism: 'plain', username: 'bob', password: 'sentinel' } });
  });

  it('hold the authority and the client certificate', async () => {
    expect(await read({ auth: { type: 'mtls', secret: { env: 'CLIENT' } }, tls: { ca: { env: 'CA' }, serverName: 'kafka' } })).toEqual({
      ssl: { ca: 'PEM of the authority', servername: 'kafka', cert: 'cert', key: 'key', passphrase: 'pass' },
    });
  });

  it('are not needed by default, and neither is TLS', async () => {
    expect(await read({})).toEqual({});
    expect(await read({ tls: true })).toEqual({ ssl: {} });
  });

  it.each([
    [{ auth: { type: 'sasl-plain' } }, 'cluster.auth.username'],
    [{ auth: { type: 'mtls' } }, 'cluster.auth.certificate'],
    [{ auth: { type: 'oauthbearer', tokenEndpoint: 'https://id.example' } }, 'cluster.auth.tokenEndpoint, clientId'],
    [{ auth: { type: 'msk-iam' } }, 'cluster.auth.region'],
    [{ auth: { type: 'mtls', secret: { env: 'CLIENT' } }, tls: false }, 'cluster.tls'],
    [{ auth: { type: 'sasl-plain', secret: { env: 'PASSWORD' } } }, 'env:PASSWORD'],
  ] as const)('say what is missing: %j', async (config, words) => {
    const failure = await read(config as Omit<ClusterConfig, 'bootstrapServers'>).catch((error: unknown) => error);
    expect(failure).toMatchObject({ class: 'config' });
    expect(String(failure)).toContain(words);
    expect(String(failure)).not.toContain('sentinel');
  });
});

describe('cluster options', () => {
  it('take brokers as a list or separated by commas', () => {
    expect(brokersOf({ bootstrapServers: ' a:9092, b:9093 ' })).toEqual(['a:9092', 'b:9093']);
    expect(brokersOf({ bootstrapServers: ['a:9092'] })).toEqual(['a:9092']);
    for (const bootstrapServers of ['a', 'http://a:9092', ',', 'arn:aws:kafka:eu-west-1:1:cluster/x/y'])
      expect(() => brokersOf({ bootstrapServers })).toThrow('Expected cluster.bootstrapServers');
  });

  it('take every kind of login, and the network for deployment', () => {
    const config = {
      bootstrapServers: 'a:9092',
      auth: { type: 'sasl-scram-512', secret: { secretsManager: 'arn:aws:secretsmanager:eu-west-1:1:secret:x' } },
      tls: { ca: { ssm: '/kafka/ca' } },
      vpc: { subnets: ['subnet-1'], securityGroups: ['sg-1'] },
    };
    expect(parseConfig(clusterSchema, config, 'sluice.cluster')).toEqual(config);
  });

  it('refuse a password that is written down, without repeating it', () => {
    const auth = { type: 'sasl-plain', username: 'ann', password: 'sentinel' };
    const { problems } = readConfig(clusterSchema, { bootstrapServers: 'a:9092', auth }, 'sluice.cluster');
    expect(problems.map(({ path }) => path)).toEqual(['sluice.cluster.auth.password']);
    expect(problems[0]!.message).toContain('{ ssm: name }');
    expect(problems[0]!.message).not.toContain('sentinel');
  });
});
