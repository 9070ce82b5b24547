import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaServer, startKafka } from '../servers/kafka.ts';
import { freePorts } from '../servers/ports.ts';
import { type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { type Proxy as Network, startProxy } from '../servers/proxy.ts';

/** Real servers, each with a network of its own on the way from the workers. Who looks on has a way that never fails. */
export interface Stage {
  readonly brokers: string;
  readonly databaseUrl: string;
  readonly workers: { readonly brokers: string; readonly databaseUrl: string };
  readonly broker: Network;
  readonly database: Network;
  readonly postgres: Pick<PostgresServer, 'stop' | 'kill' | 'start'>;
  close(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const [kafka, postgres] = await Promise.all([startProxiedKafka(), startPostgres()]);
  const database = await startProxy(postgres);
  return {
    brokers: kafka.server.brokers,
    databaseUrl: postgres.url,
    workers: {
      brokers: `${kafka.proxy.host}:${kafka.proxy.port}`,
      databaseUrl: postgres.url.replace(`:${postgres.port}/`, `:${database.port}/`),
    },
    broker: kafka.proxy,
    database,
    postgres: {
      stop: () => postgres.stop({ keep: true }),
      kill: () => postgres.kill(),
      start: () => startAgain(postgres),
    },
    async close() {
      await Promise.all([kafka.proxy.stop(), database.stop(), kafka.server.stop(), postgres.stop()]);
    },
  };
}

/** Clients are sent on by a broker to the address that it tells them, so the proxy's is the one that a listener advertises. */
async function startProxiedKafka(): Promise<{ readonly server: KafkaServer; readonly proxy: Network }> {
  const [plain, controller, proxied] = (await freePorts(3)) as [number, number, number];
  const proxy = await startProxy({ host: '127.0.0.1', port: proxied });
  const server = await startKafka({
    port: plain,
    settings: {
      listeners: `PLAINTEXT://127.0.0.1:${plain},PROXIED://127.0.0.1:${proxied},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},PROXIED://127.0.0.1:${proxy.port}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    },
  });
  return { server, proxy };
}

/** After a kill the server's children need a moment to notice, and until then nobody may take their place. */
async function startAgain(postgres: PostgresServer): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await postgres.start();
    } catch (error) {
      if (attempt >= 20) throw error;
      await sleep(200);
    }
  }
}
