import { describe, expect, it } from 'vitest';
import { clusterSchema } from '../../../lib/clients/kafka/cluster-config.ts';
import { secretPlaces } from '../../../lib/core/secret-places.ts';
import { connectorSchema } from '../../../lib/core/settings.ts';
import { objectStorage } from '../../../lib/sinks/object-storage.ts';
import { webhook } from '../../../lib/sinks/webhook.ts';

const schemaWith = (sink: object) => ({ ...connectorSchema, properties: { ...connectorSchema.properties, sink } });
const pathsOf = (value: object, sink: object) => secretPlaces(value, schemaWith(sink), 'connector').map(({ path }) => path);

describe('secretPlaces', () => {
  it('finds references where the options take secrets, and in maps of them', () => {
    const sink = {
      type: 'webhook',
      url: { ssm: '/hook' },
      secretHeaders: { 'X-Key': { env: 'KEY' } },
      auth: { type: 'bearer', token: { secretsManager: 'a' } },
    };
    expect(pathsOf({ sink }, webhook.config)).toEqual([
      'connector.sink.url',
      'connector.sink.secretHeaders.X-Key',
      'connector.sink.auth.token',
    ]);
  });

  it('takes a tag, a header or a field for none, whatever it is called', () => {
    expect(pathsOf({ sink: { type: 'object-storage', bucket: 'b', tags: { env: 'prod' } } }, objectStorage.config)).toEqual([]);
    expect(pathsOf({ sink: { type: 'webhook', url: 'https://a.example', headers: { env: 'prod' } } }, webhook.config)).toEqual([]);
  });

  it("finds stores of AWS in the function's own settings, where { env } could be anything", () => {
    expect(pathsOf({ settings: { key: { ssm: '/key' }, labels: { env: 'prod' } } }, webhook.config)).toEqual(['connector.settings.key']);
  });

  it('finds those of the cluster', () => {
    const cluster = {
      bootstrapServers: 'b:9092',
      auth: { type: 'sasl-plain', secret: { secretsManager: 'a', field: 'b' } },
      tls: { ca: { ssm: '/ca' } },
    };
    expect(secretPlaces(cluster, clusterSchema, 'sluice.cluster').map(({ path }) => path)).toEqual([
      'sluice.cluster.auth.secret',
      'sluice.cluster.tls.ca',
    ]);
  });
});
