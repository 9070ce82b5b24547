import { join } from 'node:path';
import { Client } from 'pg';
import { MissingToolError } from '../support/servers/java.ts';
import { startKafka } from '../support/servers/kafka.ts';
import { portOr } from '../support/servers/ports.ts';
import { startPostgres } from '../support/servers/postgres.ts';

export interface DemoServers {
  /** Undefined where there is neither a Kafka nor what it takes to start one. */
  readonly kafka: { readonly brokers: string; readonly label: string } | undefined;
  /** Why there is no Kafka. */
  readonly withoutKafka?: string;
  readonly postgres: { readonly url: string; readonly label: string };
  stop(): Promise<void>;
}

export interface DemoServerOptions {
  /** Where data is kept between starts. */
  readonly folder: string;
  /** Whether what earlier starts left is forgotten; the folder is empty then. */
  readonly fresh: boolean;
  /** A Kafka that is there already. */
  readonly brokers: string | undefined;
}

/** Starts a real Kafka and a real PostgreSQL side by side; both end with this process at the latest. */
export async function startServers({ folder, fresh, brokers }: DemoServerOptions): Promise<DemoServers> {
  const [kafka, postgres] = await Promise.all([brokers === undefined ? ownKafka(folder) : { brokers }, ownPostgres(folder, fresh)]);
  const stopAll = async (): Promise<void> => {
    await Promise.allSettled([postgres.stop(), 'stop' in kafka ? kafka.stop() : undefined]);
  };
  const own = { label: `real PostgreSQL 18 on ${postgres.host}:${postgres.port}`, url: postgres.url };
  if (kafka instanceof MissingToolError) return { kafka: undefined, withoutKafka: kafka.message, postgres: own, stop: stopAll };
  const label = brokers === undefined ? `real Kafka 4.3.1 on ${kafka.brokers}` : `your Kafka at ${kafka.brokers}`;
  return { kafka: { brokers: kafka.brokers, label }, postgres: own, stop: stopAll };
}

async function ownKafka(folder: string) {
  try {
    return await startKafka({ dataDir: join(folder, 'kafka'), port: await portOr(19_092) });
  } catch (error) {
    if (error instanceof MissingToolError) return error;
    throw error;
  }
}

async function ownPostgres(folder: string, fresh: boolean) {
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), port: await portOr(15_432) });
  if (fresh) {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await client.query('drop schema public cascade; create schema public'); // as root, the data may live outside of the folder
    await client.end();
  }
  return server;
}
