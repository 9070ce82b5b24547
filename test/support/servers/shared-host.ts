import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { startAws } from './aws.ts';
import { say } from './cache.ts';
import { startElasticsearch } from './elasticsearch.ts';
import { MissingToolError } from './java.ts';
import { startKafka } from './kafka.ts';
import { startOpenSearch } from './opensearch.ts';
import { startPostgres } from './postgres.ts';
import { installPyodps } from './pyodps.ts';
import { startS3 } from './s3.ts';
import type { Answer, ServerName, SharedServers } from './shared.ts';

interface Lent<Name extends ServerName> {
  readonly server: SharedServers[Name];
  stop(): Promise<void>;
}

const starters: { readonly [Name in ServerName]: () => Promise<Lent<Name>> } = {
  async kafka() {
    const { brokers, secure, stop } = await startKafka({ secure: true });
    if (!secure) throw new Error('Expected the broker to have secure listeners.');
    return { server: { brokers, secure }, stop };
  },
  async kafka2() {
    const { brokers, stop } = await startKafka({ clusterId: 'a2Fma2EyIGZvciB0ZXN0cw' });
    return { server: { brokers }, stop };
  },
  async postgres() {
    const { host, port, user, password, database, url, ca, stop } = await startPostgres();
    return { server: { host, port, user, password, database, url, ca }, stop };
  },
  async elasticsearch() {
    const { node, port, stop } = await startElasticsearch();
    return { server: { node, port }, stop };
  },
  async opensearch() {
    const { node, port, stop } = await startOpenSearch();
    return { server: { node, port }, stop };
  },
  async s3() {
    const { endpoint, port, region, accessKeyId, secretAccessKey, stop } = await startS3();
    return { server: { endpoint, port, region, accessKeyId, secretAccessKey }, stop };
  },
  async aws() {
    const { endpoint, env, stop } = await startAws();
    return { server: { endpoint, env }, stop };
  },
  async pyodps() {
    return { server: { python: await installPyodps() }, stop: async () => undefined };
  },
};

/**
 * Lets the test files of one run share real servers. A server starts when the first file asks for it, or at once when
 * SLUICE_WARM names it; all of them stop after the last file.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<ServerName, Promise<Lent<ServerName>>>();
  const lend = (name: ServerName) => {
    const lent = started.get(name) ?? startAloud(name);
    started.set(name, lent);
    return lent;
  };
  // Other users of this machine must not start servers through us.
  const secretPath = `/${randomUUID()}/`;
  const host = createServer(async (request, response) => {
    const name = request.url?.startsWith(secretPath) ? request.url.slice(secretPath.length) : '';
    const answer = isServerName(name)
      ? await lend(name).then(({ server }): Answer<ServerName> => ({ server }), toAnswer)
      : { error: 'No such server.' };
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  project.provide('servers', `http://127.0.0.1:${(host.address() as AddressInfo).port}${secretPath}`);
  for (const name of (process.env['SLUICE_WARM'] ?? '').split(',')) if (isServerName(name)) lend(name).catch(() => undefined);
  return async () => {
    host.close();
    host.closeAllConnections();
    await Promise.all(
      [...started.values()].map((lent) =>
        lent.then(
          ({ stop }) => stop(),
          () => undefined,
        ),
      ),
    );
  };
}

async function startAloud(name: ServerName): Promise<Lent<ServerName>> {
  const startedAt = Date.now();
  say(`Starting ${name} ...`);
  const lent = await starters[name]();
  say(`${name} is ready (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  return lent;
}

function toAnswer(error: unknown): Answer<ServerName> {
  const text = error instanceof Error ? error.message : String(error);
  return error instanceof MissingToolError ? { missing: text } : { error: text };
}

function isServerName(name: string): name is ServerName {
  return Object.hasOwn(starters, name);
}
