import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../lib/core/settings.ts';
import type { SinkDefinition } from '../../../lib/core/sink.ts';
import { checkConnector } from '../../../lib/platforms/checks.ts';
import { memory } from '../../../lib/sinks/memory.ts';
import { postgres } from '../../../lib/sinks/postgres.ts';

const check = async (sink: SinkDefinition, options: object, env: Record<string, string> = {}) => {
  const settings = parseSettings({ trigger: { topic: 'orders' }, sink: { type: sink.name, ...options } });
  const signal = new AbortController().signal;
  return await checkConnector({ connector: 'orders', sink, settings, cluster: undefined, groups: [], env, signal });
};

describe('checks', () => {
  it('find a secret that is not there, and say it once', async () => {
    const checks = await check(postgres as SinkDefinition, { url: { env: 'DATABASE_URL' }, write: 'upsert', primaryKey: ['id'] });
    expect(checks).toContainEqual({
      ...{ name: 'secret', state: 'failed', subject: 'env:DATABASE_URL', detail: 'is not there' },
      fix: 'Create it, or set the option that refers to it to one that is.',
    });
    expect(checks).toContainEqual({
      name: 'target',
      state: 'skipped',
      subject: 'postgres',
      detail: 'it needs a secret that cannot be read',
    });
  });

  it('never show the value of a secret', async () => {
    const secret = 'postgresql://me:sentinel@127.0.0.1:1/db';
    const checks = await check(
      postgres as SinkDefinition,
      { url: { env: 'DATABASE_URL' }, write: 'upsert', primaryKey: ['id'] },
      { DATABASE_URL: secret },
    );
    expect(JSON.stringify(checks)).not.toContain('sentinel');
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'target', state: 'failed', isUnreachable: true, fix: expect.any(String) }),
    );
  });

  it('say of options that are wrong what to set, and look no further there', async () => {
    const checks = await check(memory as SinkDefinition, { nam: 'x' });
    expect(checks).toContainEqual(
      expect.objectContaining({
        name: 'settings',
        state: 'failed',
        subject: 'connector.sink.nam',
        fix: expect.stringContaining('Did you mean'),
      }),
    );
    expect(checks).toContainEqual(expect.objectContaining({ name: 'target', state: 'skipped' }));
  });

  it('say what to set when no Kafka is known', async () => {
    expect(await check(memory as SinkDefinition, { name: 'checks' })).toContainEqual({
      ...{ name: 'brokers', state: 'failed', subject: 'sluice.cluster', detail: 'No Kafka is known' },
      fix: 'Set sluice.cluster.bootstrapServers.',
    });
  });
});
