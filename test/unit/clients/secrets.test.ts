import { describe, expect, it } from 'vitest';
import { cachedSecrets, type SecretStores } from '../../../lib/clients/secrets.ts';

const stores = (changes: Partial<SecretStores> = {}): SecretStores => ({
  env: () => undefined,
  ssm: async () => undefined,
  secretsManager: async () => undefined,
  ...changes,
});
const named = (name: string, extra = {}) => Object.assign(new Error('value-of-the-secret'), { name, ...extra });

describe('a secret', () => {
  it('is read from the place its reference names', async () => {
    const secrets = cachedSecrets(
      stores({
        env: (name) => `env ${name}`,
        ssm: async (name) => `ssm ${name}`,
        secretsManager: async () => '{"password":"p","port":5432}',
      }),
    );
    expect(await secrets.read({ env: 'A' })).toBe('env A');
    expect(await secrets.read({ ssm: '/a' })).toBe('ssm /a');
    expect(await secrets.read({ secretsManager: 'arn', field: 'password' })).toBe('p');
    expect(await secrets.read({ secretsManager: 'arn', field: 'port' })).toBe('5432');
    expect(await secrets.read({ secretsManager: 'arn' })).toBe('{"password":"p","port":5432}');
  });

  it('is read once, and again after it was dropped', async () => {
    let reads = 0;
    const secrets = cachedSecrets(stores({ ssm: async () => `value ${++reads}` }));
    expect([await secrets.read({ ssm: '/a' }), await secrets.read({ ssm: '/a' })]).toEqual(['value 1', 'value 1']);
    secrets.drop();
    expect(await secrets.read({ ssm: '/a' })).toBe('value 2');
  });

  it('that could not be read is asked for again', async () => {
    let reads = 0;
    const ssm = async () => {
      if (reads++ === 0) throw named('x', { code: 'ECONNRESET' });
      return 'value';
    };
    const secrets = cachedSecrets(stores({ ssm }));
    await expect(secrets.read({ ssm: '/a' })).rejects.toMatchObject({ class: 'retriable', code: 'SECRET_UNAVAILABLE' });
    expect(await secrets.read({ ssm: '/a' })).toBe('value');
  });

  it.each([
    ['is missing', { env: 'A' }, stores(), 'SECRET_MISSING'],
    ['may not be read', { ssm: '/a' }, stores({ ssm: () => Promise.reject(named('AccessDeniedException')) }), 'SECRET_REFUSED'],
    [
      'is no JSON',
      { secretsManager: 'arn', field: 'x' },
      stores({ secretsManager: async () => 'value-of-the-secret' }),
      'SECRET_MALFORMED',
    ],
    [
      'lacks the field',
      { secretsManager: 'arn', field: 'x' },
      stores({ secretsManager: async () => '{"y":"value-of-the-secret"}' }),
      'SECRET_MALFORMED',
    ],
  ])('that %s is a config error that names it and nothing of its value', async (_, reference, where, code) => {
    const error = await cachedSecrets(where)
      .read(reference)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ class: 'config', code });
    expect((error as Error).message).toMatch(/env:A|ssm:\/a|secretsManager:arn/);
    expect((error as Error).message).not.toContain('value-of-the-secret');
  });

  it.each(['ThrottlingException', 'InternalServerError'])('is retriable when the store answers %s', async (name) => {
    const ssm = () => Promise.reject(named(name, { $fault: name === 'InternalServerError' ? 'server' : 'client' }));
    await expect(cachedSecrets(stores({ ssm })).read({ ssm: '/a' })).rejects.toMatchObject({ class: 'retriable' });
  });
});
