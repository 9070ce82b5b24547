import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { awsSecretStores, cachedSecrets } from '../../lib/clients/secrets.ts';

// A function in a subnet without a way to AWS: nobody answers, and nobody says no.
const server = createServer(() => undefined);

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});

afterAll(() => {
  vi.unstubAllEnvs();
  server.close();
});

it.each([{ ssm: '/a' }, { secretsManager: 'arn' }])('gives up asking for %j, and says that it is a passing problem', async (reference) => {
  const secrets = cachedSecrets(awsSecretStores({}, { timeoutMs: 50 }));
  await expect(secrets.read(reference)).rejects.toMatchObject({ class: 'retriable', code: 'SECRET_UNAVAILABLE' });
});
