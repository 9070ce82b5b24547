import { describe, inject, it } from 'vitest';
import type { AwsServer } from './aws.ts';
import type { KafkaServer, SecureKafka } from './kafka.ts';
import type { PostgresServer } from './postgres.ts';
import type { S3Server } from './s3.ts';
import type { SearchServer } from './search-node.ts';

/** The real servers that the test files of one run share, and what is needed to connect to each. */
export interface SharedServers {
  readonly kafka: Pick<KafkaServer, 'brokers'> & { readonly secure: SecureKafka };
  /** Another cluster than `kafka`. */
  readonly kafka2: Pick<KafkaServer, 'brokers'>;
  readonly postgres: Pick<PostgresServer, 'host' | 'port' | 'user' | 'password' | 'database' | 'url' | 'ca'>;
  readonly elasticsearch: Pick<SearchServer, 'node' | 'port'>;
  readonly opensearch: Pick<SearchServer, 'node' | 'port'>;
  readonly s3: Pick<S3Server, 'endpoint' | 'port' | 'region' | 'accessKeyId' | 'secretAccessKey'>;
  /** The AWS endpoint that services are deployed to. */
  readonly aws: Pick<AwsServer, 'endpoint' | 'env'>;
  /** No server, but a client that has to be installed: the official one for MaxCompute, in the Python that is named. */
  readonly pyodps: { readonly python: string };
}

export type ServerName = keyof SharedServers;

/** What the host of the servers answers. `missing` names a tool that this machine lacks. */
export type Answer<Name extends ServerName> =
  | { readonly server: SharedServers[Name] }
  | { readonly missing: string }
  | { readonly error: string };

declare module 'vitest' {
  interface ProvidedContext {
    servers: string;
  }
}

/**
 * Describes behaviour that needs real servers. Where one cannot run because a tool is missing, the tests are skipped
 * aloud; where CI is set, which promises the tools, they fail.
 */
export function describeWith<Name extends ServerName>(
  names: readonly Name[],
  title: string,
  body: (servers: Pick<SharedServers, Name>) => void | Promise<void>,
): void {
  describe(title, async () => {
    const answers = await Promise.all(names.map(async (name) => [name, await ask(name)] as const));
    const problems = answers.flatMap(([, answer]) => ('missing' in answer ? [answer.missing] : 'error' in answer ? [answer.error] : []));
    const failed = process.env['CI'] || answers.some(([, answer]) => 'error' in answer);
    if (problems.length > 0 && failed) throw new Error(problems.join('\n'));
    if (problems.length > 0) {
      process.stderr.write(`NOT RUN: ${title}. ${problems.join(' ')}\n`);
      it.skip(`needs ${names.join(', ')}`, () => undefined);
      return;
    }
    const servers = answers.flatMap(([name, answer]) => ('server' in answer ? [[name, answer.server]] : []));
    await body(Object.fromEntries(servers) as Pick<SharedServers, Name>);
  });
}

async function ask<Name extends ServerName>(name: Name): Promise<Answer<Name>> {
  for (;;) {
    try {
      const response = await fetch(`${inject('servers')}${name}`);
      return (await response.json()) as Answer<Name>;
    } catch (error) {
      // A server that is built for the first time may need longer than fetch waits for an answer.
      const code = error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
      if (code !== 'UND_ERR_HEADERS_TIMEOUT') throw error;
    }
  }
}
