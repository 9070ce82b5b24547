import type { Static, TObject } from 'typebox';
import type { ConnectorError } from './errors.ts';
import type { Log } from './log.ts';
import type { KafkaRecord, Origin } from './record.ts';
import type { ReadSecret } from './secret.ts';

/** ignored: a newer version is already there. */
export type Outcome = 'delivered' | 'ignored' | ConnectorError;

export interface WriteOptions {
  /** Aborts when the invocation's time for writing is over; the sink then leaves nothing in flight. */
  readonly signal: AbortSignal;
  /** When that will be, in milliseconds since the epoch; nobody waits for a retry past it. */
  readonly deadline?: number;
  /** Records of the same batch that there is nothing to write for: their transform dropped them, or they failed as they are before they got here. */
  readonly unsent?: () => readonly Unsent[];
}

/** A record that does not reach the sink with its batch. */
export interface Unsent {
  readonly origin: Origin;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** rejected: it may come later, once it can be decoded. */
  readonly why: 'dropped' | 'rejected';
}

export interface Sink {
  /** Writes in order; answers one outcome per record, in the same order. Throws only when nothing is known of any. */
  write(records: readonly KafkaRecord[], options: WriteOptions): Promise<readonly Outcome[]>;
  /** What two records must share to be the same thing in the target; null when each is its own. */
  identity?(record: KafkaRecord): string | null;
  /** Answers cheaply whether the target can be written to; throws a ConfigError or RetriableError when not. */
  probe?(options: WriteOptions): Promise<void>;
  close?(): Promise<void>;
}

/** What a sink promises in one mode. Each claim is proved by the contract tests: claim less rather than hope. */
export interface Guarantees {
  /** The same record twice leaves one copy. */
  readonly idempotent: boolean;
  /** A redelivered older record never overwrites a newer one. */
  readonly ordered: boolean;
  /** A tombstone deletes. */
  readonly deletes: boolean;
  /** One bad record does not fail its neighbours. */
  readonly partial: boolean;
}

/** How much one `write` gets at most. */
export interface Limits {
  readonly records: number;
  readonly bytes: number;
}

export interface OpenContext {
  /** The connector's name, as in serverless.yml. */
  readonly connector: string;
  readonly secret: ReadSecret;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The service's shared `sluice.cluster` settings, for sinks that speak to the same Kafka. */
  readonly cluster?: unknown;
  /** Changes whenever the connector's settings do: tells what one configuration wrote from what another did. */
  readonly configVersion?: string;
  /** The credentials that the platform lends the function, as of this call; undefined where the client library finds its own. */
  readonly credentials?: () => CloudCredentials | undefined;
}

/** Temporary credentials of a cloud account. */
export interface CloudCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

/** One statement of an IAM policy. */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** One line of a sink's classification table, as its reference page shows it. */
export interface ErrorRule {
  /** What the target said or did, e.g. `HTTP 429` or `SQLSTATE 23`. */
  readonly when: string;
  readonly class: 'delivered' | 'ignored' | 'retriable' | 'data' | 'config';
  readonly meaning: string;
}

/** One mode of a sink by its name, with the least configuration that selects it. */
export interface SinkMode {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface SinkDefinition<Config extends TObject = TObject> {
  readonly name: string;
  readonly summary: string;
  /** Option descriptions are the reference documentation. */
  readonly config: Config;
  /** Answers what the options cannot say one by one: a message for each combination that makes no sense. */
  check?(config: Static<Config>): readonly { readonly path: string; readonly message: string }[];
  guarantees(config: Static<Config>): Guarantees;
  limits(config: Static<Config>): Limits;
  permissions(config: Static<Config>): readonly Permission[];
  /** The modes whose guarantees differ, for the reference page. */
  readonly modes?: readonly SinkMode[];
  /** What each failure leads to, for the reference page. */
  readonly errors?: readonly ErrorRule[];
  open(config: Static<Config>, context: OpenContext): Promise<Sink>;
}

/** Declares a sink: the types of its options follow from `config`. */
export function defineSink<Config extends TObject>(definition: SinkDefinition<Config>): SinkDefinition<Config> {
  return definition;
}
