import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { cached, say } from './cache.ts';
import { type Certificates, certificates } from './certificates.ts';
import { classPath, findJava, type Jdk, mavenProject } from './java.ts';
import { type Listeners, scramArguments, serverProperties, users } from './kafka-properties.ts';
import { freePorts } from './ports.ts';
import { type ServerProcess, startServer } from './process.ts';

const run = promisify(execFile);
const VERSION = '4.3.1';
const CLUSTER_ID = 'Mk3OEYBSD34fcwNTJENDM2Qw';
// One compiler and one collector thread: half the start-up work of the defaults on a small machine.
const QUICK = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

export interface KafkaOptions {
  /** Keeps topics and offsets between starts. Without it they are gone after `stop`. */
  readonly dataDir?: string;
  /** The port of the plain listener; a free one when not given. */
  readonly port?: number;
  /** Adds listeners with SASL and TLS. */
  readonly secure?: boolean;
  readonly heapMb?: number;
  /** Another id than the usual one, to be another cluster. */
  readonly clusterId?: string;
  /** Broker settings beyond, or instead of, the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Where the secure listeners are and what they accept. */
export interface SecureKafka {
  /** SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512) over TLS. */
  readonly saslSsl: string;
  /** SASL (the same mechanisms) without TLS. */
  readonly saslPlain: string;
  /** TLS that demands a client certificate. */
  readonly mtls: string;
  readonly users: typeof users;
  readonly certificates: Certificates;
}

export interface KafkaServer {
  readonly brokers: string;
  readonly secure?: SecureKafka;
  readonly pid: number;
  /** Ends the broker cleanly. A broker without a `dataDir` forgets everything, unless `keep` is set because it will start again. */
  stop(options?: { readonly keep?: boolean }): Promise<void>;
  /** Ends the broker as a power cut would. What it had stays for the next `start`. */
  kill(): Promise<void>;
  /** Starts a stopped or killed broker again, on the same ports. */
  start(): Promise<void>;
}

/** Starts a real single-node Kafka and answers once it creates topics. It ends with this process at the latest. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const java = await findJava({ what: `Apache Kafka ${VERSION}`, atLeast: 17 });
  const jars = await kafkaJars();
  const archive = await classArchive(java, jars);
  return await startBroker({ java, jars, vmFlags: archive ? [`-XX:SharedArchiveFile=${archive}`] : [] }, options);
}

interface Installation {
  readonly java: Jdk;
  readonly jars: string;
  readonly vmFlags: readonly string[];
}

async function startBroker(installation: Installation, options: KafkaOptions): Promise<KafkaServer> {
  const temporaryDir = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'sluice-kafka-')) : undefined;
  const dataDir = temporaryDir ?? options.dataDir ?? '';
  await mkdir(dataDir, { recursive: true });
  const listeners = await chooseListeners(options);
  const propertiesFile = join(dataDir, 'server.properties');
  await writeFile(propertiesFile, serverProperties(dataDir, listeners, options.settings ?? {}));
  await format(installation, propertiesFile, options);

  const brokers = `127.0.0.1:${listeners.plain}`;
  const boot = () =>
    startServer({
      name: `Kafka ${VERSION}`,
      command: join(installation.java.home, 'bin', 'java'),
      args: [`-Xmx${options.heapMb ?? 384}m`, ...QUICK, ...installation.vmFlags, '-cp', installation.jars, 'kafka.Kafka', propertiesFile],
      logFile: join(dataDir, 'kafka.log'),
      isReady: () => createsTopics(brokers),
      ...(temporaryDir === undefined ? {} : { temporaryDir }),
    });
  let broker: ServerProcess = await boot();
  const secure = await describeSecure(listeners);
  return {
    brokers,
    ...(secure ? { secure } : {}),
    get pid() {
      return broker.pid;
    },
    async stop({ keep = false } = {}) {
      await broker.stop();
      if (temporaryDir !== undefined && !keep) await rm(temporaryDir, { recursive: true, force: true });
    },
    kill: () => broker.kill(),
    async start() {
      broker = await boot();
    },
  };
}

async function chooseListeners({ port, secure }: KafkaOptions): Promise<Listeners> {
  const [plain, controller, saslSsl, mtls, saslPlain] = (await freePorts(5)) as [number, number, number, number, number];
  const { dir } = secure ? await certificates() : { dir: '' };
  return { plain: port ?? plain, controller, ...(secure ? { secure: { saslSsl, mtls, saslPlain, certificatesDir: dir } } : {}) };
}

async function describeSecure({ secure }: Listeners): Promise<SecureKafka | undefined> {
  if (!secure) return undefined;
  const at = (port: number) => `127.0.0.1:${port}`;
  return { saslSsl: at(secure.saslSsl), saslPlain: at(secure.saslPlain), mtls: at(secure.mtls), users, certificates: await certificates() };
}

async function format({ java, jars, vmFlags }: Installation, propertiesFile: string, { secure, clusterId }: KafkaOptions): Promise<void> {
  const tool = [
    'kafka.tools.StorageTool',
    'format',
    '--ignore-formatted',
    '-t',
    clusterId ?? CLUSTER_ID,
    '-c',
    propertiesFile,
    ...(secure ? scramArguments : []),
  ];
  // The archive dumped at exit is the broker's: formatting must not write it.
  const shared = vmFlags.filter((flag) => !flag.startsWith('-XX:ArchiveClassesAtExit'));
  await run(join(java.home, 'bin', 'java'), ['-Xmx128m', ...QUICK, ...shared, '-cp', jars, ...tool]);
}

// An open port comes a moment before the broker does any work.
async function createsTopics(brokers: string): Promise<boolean> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 }, connectionTimeout: 1_000 }).admin();
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'readiness' }], validateOnly: true, waitForLeaders: false, timeout: 1_000 });
    return true;
  } finally {
    await admin.disconnect();
  }
}

async function kafkaJars(): Promise<string> {
  const project = await mavenProject('kafka', `Apache Kafka ${VERSION}`, ['pom.xml']);
  return await classPath(join(project, 'lib'));
}

/** An archive of the broker's loaded classes: with it the second and every later start takes half the time. */
async function classArchive(java: Jdk, jars: string): Promise<string> {
  const entry = await cached({
    name: 'kafka-classes',
    inputs: [java.home, java.version, jars],
    async build(dir) {
      say('Preparing Kafka for quick starts, once (about 15 seconds) ...');
      const archive = join(dir, 'draft.jsa');
      const broker = await startBroker({ java, jars, vmFlags: [`-XX:ArchiveClassesAtExit=${archive}`] }, {});
      await broker.stop();
      if (existsSync(archive)) await rename(archive, join(dir, 'kafka.jsa'));
    },
  });
  const archive = join(entry, 'kafka.jsa');
  return existsSync(archive) ? archive : '';
}
