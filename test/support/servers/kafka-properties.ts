import { join } from 'node:path';

export interface Listeners {
  readonly plain: number;
  readonly controller: number;
  readonly secure?: { readonly saslSsl: number; readonly mtls: number; readonly saslPlain: number; readonly certificatesDir: string };
}

/** The passwords that the secure listeners accept. */
export const users = {
  plain: { username: 'demo', password: 'demo-secret' },
  scram256: { username: 'scram256-user', password: 'scram256-secret' },
  scram512: { username: 'scram512-user', password: 'scram512-secret' },
} as const;

/** What `StorageTool format` is told so that the SCRAM users exist from the start. */
export const scramArguments: readonly string[] = [
  ['SCRAM-SHA-256', users.scram256] as const,
  ['SCRAM-SHA-512', users.scram512] as const,
].flatMap(([mechanism, { username, password }]) => ['--add-scram', `${mechanism}=[name=${username},password=${password}]`]);

/** The settings of a single broker that is its own controller and starts, fails over and stops quickly. */
export function serverProperties(dataDir: string, listeners: Listeners, extra: Readonly<Record<string, string>>): string {
  const settings = { ...base(dataDir, listeners), ...(listeners.secure ? secure(listeners.secure) : {}), ...extra };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function base(dataDir: string, { plain, controller, secure }: Listeners): Record<string, string> {
  const outside = [`PLAINTEXT://127.0.0.1:${plain}`];
  if (secure)
    outside.push(`SASLSSL://127.0.0.1:${secure.saslSsl}`, `MTLS://127.0.0.1:${secure.mtls}`, `SASLPLAIN://127.0.0.1:${secure.saslPlain}`);
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: [...outside, `CONTROLLER://127.0.0.1:${controller}`].join(','),
    'advertised.listeners': outside.join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASLSSL:SASL_SSL,MTLS:SSL,SASLPLAIN:SASL_PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(dataDir, 'logs'),
    'num.partitions': '1',
    'default.replication.factor': '1',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    // A killed broker may come back only once its old session has ended.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': '8388608',
    'log.segment.bytes': '134217728',
    // Test records may carry the time of what they tell about, which is long ago.
    'log.retention.ms': '-1',
  };
}

function secure({ certificatesDir }: NonNullable<Listeners['secure']>): Record<string, string> {
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${users.plain.username}="${users.plain.password}";`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const logins = ['saslssl', 'saslplain'].flatMap((listener) => [
    [`listener.name.${listener}.plain.sasl.jaas.config`, plain],
    [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`, scram],
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`, scram],
  ]);
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(certificatesDir, 'broker.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(certificatesDir, 'ca.crt'),
    'listener.name.saslssl.ssl.client.auth': 'none',
    'listener.name.mtls.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512,SCRAM-SHA-256',
    ...Object.fromEntries(logins),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': 'true',
  };
}
