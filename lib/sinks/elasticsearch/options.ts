import { type Static, Type } from 'typebox';
import { deployed } from '../../core/deployed.ts';
import { ConfigError } from '../../core/errors.ts';
import { type Route, router } from '../../core/route.ts';
import { Secret } from '../../core/secret.ts';
import { parseTemplate } from '../../core/template.ts';

const Url = deployed(Type.String({ format: 'uri' }), 'https://known-at-deployment.invalid');
const Name = Type.String({ minLength: 1 });

/** The options of the sink, as in serverless.yml. */
export const options = Type.Object({
  node: Type.Union([Url, Type.Array(Url, { minItems: 1 })], {
    description: 'Base URL of the cluster, or several that take turns. Elasticsearch 7 to 9 and OpenSearch.',
  }),
  index: Type.String({
    minLength: 1,
    description:
      'Index, alias or data stream to write to. Placeholders are filled in for each record: {topic}, {timestamp:yyyy-MM-dd}, {value.field}, {target}.',
  }),
  allow: Type.Array(Name, {
    default: [],
    description: 'Names, and prefixes that end in *, of indices that records may choose by a field or by their target.',
  }),
  maxTargets: Type.Integer({ minimum: 1, default: 100, description: 'Most indices that records may choose within a day.' }),
  dataStream: Type.Boolean({
    default: false,
    description: 'Whether the index is a data stream. It takes new documents only, and knows no id from before its last rollover.',
  }),
  write: Type.Union([Type.Literal('index'), Type.Literal('create'), Type.Literal('update')], {
    default: 'index',
    description:
      'What a record does to the document with its id: replace it, make it if there is none, or change the fields the record has. Only replacing keeps newer data from being overwritten.',
  }),
  upsert: Type.Boolean({
    default: true,
    description: 'Whether update makes a document where there is none; otherwise that is a data error.',
  }),
  id: Type.Union([Type.Literal('key'), Type.Literal('record'), Type.Object({ fields: Type.Array(Name, { minItems: 1 }) })], {
    default: 'key',
    description:
      'What the document id is made of: the key (text as it is, an object with one field as that field, other objects as JSON), topic+partition+offset of the record, or fields of its value.',
  }),
  guard: Type.Optional(
    Type.Union([Type.Literal('version'), Type.Literal('none'), Type.Object({ field: Name })], {
      description:
        'What decides which of two records is newer: the place in Kafka, a field of the value (a whole number or a date), or nothing. By default version where whole documents have the key as id, none elsewhere.',
    }),
  ),
  checkPartitions: Type.Union([Type.Literal('first'), Type.Literal('always')], {
    default: 'first',
    description:
      'With guard: version, when to look whether a document came from another partition before it is replaced: for the first records of each partition after a start, or for every record at the price of one more request.',
  }),
  deletes: Type.Optional(
    Type.Union([Type.Literal('soft'), Type.Literal('hard'), Type.Literal('ignore')], {
      description:
        'What a tombstone does: leave a document that says deleted: true in the metadata field, delete the document, or nothing. A hard delete forgets its version after index.gc_deletes (a minute), so an older record can come back. By default soft where the id is the key, ignore elsewhere.',
    }),
  ),
  metadata: Type.Union([Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_-]*$' }), Type.Literal(false)], {
    default: '_sluice',
    description:
      'Field in which each document says where it came from: topic, partition, epoch, offset, part, timestamp, writtenAt, deleted. `false` leaves it out, where nothing depends on it.',
  }),
  routing: Type.Optional(
    Type.Union([Type.Literal('key'), Type.Object({ field: Name })], {
      description: 'What decides the shard instead of the id. It must never change for one id.',
    }),
  ),
  pipeline: Type.Optional(
    Type.String({ minLength: 1, description: 'Ingest pipeline that documents pass. It has to keep the metadata field.' }),
  ),
  requireAlias: Type.Boolean({
    default: false,
    description: 'Refuses to write to an index by its own name, and so to make one by mistake.',
  }),
  refresh: Type.Union([Type.Boolean(), Type.Literal('wait_for')], {
    default: false,
    description: 'Whether records can be searched for when they count as delivered. It makes writing slow.',
  }),
  apiKey: Type.Optional(Secret({ description: 'API key, encoded or as id:key.' })),
  bearer: Type.Optional(Secret({ description: 'Token of a service account or of single sign-on.' })),
  username: Type.Optional(Type.String({ minLength: 1, description: 'User name, together with password.' })),
  password: Type.Optional(Secret({ description: 'Password of username.' })),
  tls: Type.Optional(
    Type.Object(
      {
        ca: Type.Optional(
          Type.Union([Type.String({ pattern: '-----BEGIN CERTIFICATE-----' }), Secret({ description: 'Certificate authority, PEM.' })], {
            description:
              "Certificate of the authority that signed the cluster's, PEM: as text, or a reference to where it is kept. Without it the well-known authorities are trusted.",
          }),
        ),
        verify: Type.Boolean({ default: true, description: 'Whether the certificate is checked. Without it anybody can listen.' }),
      },
      { description: 'Whom an encrypted connection trusts.' },
    ),
  ),
  compression: Type.Boolean({ default: false, description: 'Whether requests are compressed: less to send, more to compute.' }),
  requestTimeoutMs: Type.Integer({ minimum: 100, default: 30_000, description: 'Milliseconds after which a request is given up.' }),
  maxRecords: Type.Integer({ minimum: 1, maximum: 50_000, default: 1_000, description: 'Most records in one request.' }),
  maxBytes: Type.Integer({ minimum: 1_000, maximum: 90_000_000, default: 5_000_000, description: 'Most bytes of records in one request.' }),
});
export type Options = Static<typeof options>;

/** Options whose default depends on others, filled in. */
export interface Mode {
  readonly guard: NonNullable<Options['guard']>;
  readonly deletes: NonNullable<Options['deletes']>;
}

export function modeOf({ write, id, guard, deletes }: Pick<Options, 'write' | 'id' | 'guard' | 'deletes'>): Mode {
  const byKey = id === 'key';
  return {
    guard: guard ?? (byKey && write === 'index' ? 'version' : 'none'),
    deletes: deletes ?? (byKey && write !== 'create' && typeof guard !== 'object' ? 'soft' : 'ignore'),
  };
}

/** A message for each combination of options that makes no sense. */
export function checkOptions(config: Options): readonly { readonly path: string; readonly message: string }[] {
  const problems: { path: string; message: string }[] = [];
  const say = (option: string, message: string) => problems.push({ path: `connector.sink.${option}`, message });
  const { guard, deletes } = modeOf(config);
  const { write, id, metadata, dataStream } = config;
  if (guard !== 'none' && write !== 'index')
    say('guard', `Expected connector.sink.guard to be none with write: ${write}. Elasticsearch compares versions of whole documents only.`);
  if (guard === 'version' && id !== 'key')
    say(
      'guard',
      'Expected connector.sink.guard to be none or a field, as records with one id can come from several partitions. Set id: key to compare offsets.',
    );
  if (typeof guard === 'object' && deletes !== 'ignore')
    say('deletes', 'Expected connector.sink.deletes to be ignore with guard.field, as a tombstone has no field to compare.');
  if (deletes !== 'ignore' && id !== 'key')
    say(
      'deletes',
      'Expected connector.sink.deletes to be ignore, as a tombstone has only a key to find its document by. Set id: key to delete.',
    );
  if (deletes === 'soft' && write === 'create')
    say(
      'deletes',
      'Expected connector.sink.deletes to be hard or ignore with write: create, as what is marked as deleted could not be made again.',
    );
  if (deletes !== 'ignore' && typeof config.routing === 'object')
    say('routing', 'Expected connector.sink.routing to be key, as a tombstone has no fields. Set deletes: ignore to route by a field.');
  if (dataStream && (write !== 'create' || deletes !== 'ignore'))
    say('dataStream', 'Expected connector.sink.write to be create and deletes to be ignore, as a data stream takes new documents only.');
  const needsMetadata =
    guard !== 'none' ? 'guard' : deletes === 'soft' ? 'deletes: soft' : write === 'create' && id !== 'record' ? 'write: create' : '';
  if (metadata === false && needsMetadata !== '')
    say('metadata', `Expected connector.sink.metadata to be a field, as ${needsMetadata} depends on it. Set it to the name of a field.`);
  return [...problems, ...checkConnection(config), ...checkIndex(config)];
}

function checkConnection({ node, apiKey, bearer, username, password, tls }: Options): { path: string; message: string }[] {
  const problems: { path: string; message: string }[] = [];
  const say = (option: string, message: string) => problems.push({ path: `connector.sink.${option}`, message });
  const urls = nodesOf(node).map((each) => new URL(each));
  if (urls.some(({ username: user, password: word }) => user !== '' || word !== ''))
    say('node', 'Expected connector.sink.node to be without a password. Set username and password, which keeps it out of the bundle.');
  if (urls.some(({ protocol }) => protocol !== 'http:' && protocol !== 'https:'))
    say('node', 'Expected connector.sink.node to begin with http:// or https://.');
  if (tls !== undefined && urls.some(({ protocol }) => protocol !== 'https:'))
    say('tls', 'Expected connector.sink.node to begin with https://, as connector.sink.tls is set.');
  if ([apiKey, bearer, username ?? password].filter((way) => way !== undefined).length > 1)
    say('apiKey', 'Expected one of connector.sink.apiKey, bearer, and username with password, got several. Leave out all but one.');
  if ((username === undefined) !== (password === undefined))
    say('username', 'Expected connector.sink.username and password together, got one of them. Set both.');
  return problems;
}

function checkIndex(config: Options): { path: string; message: string }[] {
  try {
    indexRoute(config, () => 0);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [{ path: 'connector.sink.index', message: error.message }];
  }
}

export function nodesOf(node: Options['node']): readonly string[] {
  return typeof node === 'string' ? [node] : node;
}

/** Where each record goes. Throws a ConfigError for a template that makes no sense. */
export function indexRoute({ index, allow, maxTargets }: Pick<Options, 'index' | 'allow' | 'maxTargets'>, now: () => number): Route {
  const path = 'connector.sink.index';
  return router({ path, template: parseTemplate(index, path), allow, maxTargets, valid: isIndexName, now });
}

/** The server's rules for names of indices. */
export function isIndexName(name: string): true | string {
  if (name !== name.toLowerCase()) return 'lower case, as names of indices are';
  if (/[\\/*?"<>|\s,#:]/.test(name)) return 'the name of an index, without spaces or any of \\ / * ? " < > | , # :';
  if (/^[-_+.]/.test(name)) return 'the name of an index, which does not begin with - _ + or a dot';
  return Buffer.byteLength(name) <= 255 ? true : 'the name of an index, which has at most 255 bytes';
}
