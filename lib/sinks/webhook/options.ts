import { type Static, Type } from 'typebox';
import { deployed } from '../../core/deployed.ts';
import { ConfigError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { isJsonType } from './body.ts';

const Name = Type.String({ minLength: 1 });
const HeaderName = (byDefault: string, description: string) => Type.String({ pattern: '^[A-Za-z0-9-]+$', default: byDefault, description });
const Statuses = (byDefault: (number | string)[], description: string) =>
  Type.Array(Type.Union([Type.Integer({ minimum: 100, maximum: 599 }), Type.String({ pattern: '^[1-5]\\d\\d(-[1-5]\\d\\d)?$' })]), {
    default: byDefault,
    description,
  });
const Pem = (what: string) =>
  Type.Union([Type.String({ pattern: '-----BEGIN' }), Secret({ description: `${what}, PEM.` })], {
    description: `${what}, PEM: as text, or a reference to where it is kept.`,
  });

const tls = Type.Object(
  {
    ca: Type.Optional(Pem('Certificate of the authority to trust instead of the well-known ones')),
    cert: Type.Optional(Pem('Certificate that this client shows')),
    key: Type.Optional(Secret({ description: 'Private key of cert, PEM.' })),
    servername: Type.Optional(
      Type.String({ minLength: 1, description: "Name to expect in the receiver's certificate, where it is not the host of the URL." }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Whom an encrypted connection trusts, and the certificate it shows (mutual TLS). Certificates are always checked.',
  },
);

const auth = Type.Union(
  [
    Type.Object(
      {
        type: Type.Literal('basic'),
        username: Type.String({ minLength: 1, description: 'User name.' }),
        password: Secret({ description: 'Password of username.' }),
      },
      { additionalProperties: false },
    ),
    Type.Object({ type: Type.Literal('bearer'), token: Secret({ description: 'The token.' }) }, { additionalProperties: false }),
    Type.Object(
      {
        type: Type.Literal('oauth2'),
        tokenUrl: Type.String({ format: 'uri', description: 'Token endpoint for client credentials.' }),
        clientId: Type.String({ minLength: 1, description: 'Name of the client.' }),
        clientSecret: Secret({ description: 'Secret of the client.' }),
        scope: Type.Optional(Type.String({ minLength: 1, description: 'Scopes to ask for, with spaces in between.' })),
        audience: Type.Optional(Type.String({ minLength: 1, description: 'Audience to ask for, where the endpoint wants one.' })),
        send: Type.Union([Type.Literal('header'), Type.Literal('body')], {
          default: 'header',
          description: 'Whether the client names itself by HTTP Basic, or in the form.',
        }),
        tls: Type.Optional(tls),
      },
      { additionalProperties: false },
    ),
  ],
  { description: 'How requests say who sends them: basic, bearer, or oauth2 with client credentials, whose token is kept and renewed.' },
);

const signing = Type.Union(
  [
    Type.Object(
      {
        type: Type.Literal('hmac-sha256'),
        secret: Secret({ description: 'The key, as text.' }),
        header: HeaderName('X-Signature', 'Header with the signature.'),
        timestampHeader: HeaderName('X-Timestamp', 'Header with the seconds that were signed.'),
        over: Type.Union([Type.Literal('timestamp.body'), Type.Literal('timestamp:body'), Type.Literal('body')], {
          default: 'timestamp.body',
          description: 'What is signed. Without the timestamp an old request can be sent again by anybody who saw it.',
        }),
        encoding: Type.Union([Type.Literal('hex'), Type.Literal('base64')], {
          default: 'hex',
          description: 'How the signature is written.',
        }),
        prefix: Type.String({ default: '', description: 'What stands in front of it, such as sha256=.' }),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        type: Type.Literal('standard-webhooks'),
        secret: Secret({ description: 'whsec_… for HMAC-SHA256, or whsk_… for ed25519.' }),
        previousSecret: Type.Optional(Secret({ description: 'A second secret to sign with while receivers change over.' })),
      },
      { additionalProperties: false },
    ),
  ],
  { description: 'Signs each attempt: an HMAC over time and body, or the headers of Standard Webhooks.' },
);

const answer = Type.Object(
  {
    items: Type.String({
      default: '',
      description: 'Path to the list in the JSON answer, such as result.items. Empty where the answer is the list.',
    }),
    status: Type.Optional(Type.String({ minLength: 1, description: 'Field of an item with a number that means what HTTP statuses mean.' })),
    ok: Type.Optional(Type.String({ minLength: 1, description: 'Field that is true, "ok" or "success" for an item that was taken.' })),
    error: Type.Optional(Type.String({ minLength: 1, description: 'Field that says what was wrong, and is missing or null otherwise.' })),
    index: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Field with the position of the item, from 0. Without it the order is that of the request.',
      }),
    ),
    lists: Type.Union([Type.Literal('all'), Type.Literal('failures')], {
      default: 'all',
      description:
        'Whether the receiver lists every item, or only those that failed, by index. In an answer that refuses the request, those it leaves out do not count as taken.',
    }),
  },
  { additionalProperties: false, description: 'How to read what became of each item. Without it a batch is taken or refused as a whole.' },
);

const batch = Type.Object(
  {
    format: Type.Union([Type.Literal('array'), Type.Literal('lines')], {
      default: 'array',
      description: 'A JSON array, or one JSON value per line.',
    }),
    wrapper: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'JSON around the array: the value "{items}" is the array, "{count}" the number of items.',
      }),
    ),
    maxRecords: Type.Integer({ minimum: 1, maximum: 50_000, default: 500, description: 'Most records in one request.' }),
    maxBytes: Type.Integer({
      minimum: 1_000,
      maximum: 90_000_000,
      default: 1_000_000,
      description: 'Most bytes of records in one request.',
    }),
    answer: Type.Optional(answer),
  },
  { additionalProperties: false, description: 'Sends many records in one request. Without it each record is a request.' },
);

/** The options of the sink, as in serverless.yml. */
export const options = Type.Object({
  url: Type.Union(
    [
      deployed(Type.String({ minLength: 1 }), 'https://known-at-deployment.invalid/'),
      Secret({ description: 'The URL, where it holds a token.' }),
    ],
    {
      description:
        'Where to send to: text, or a reference where it holds a token. Path and query may hold placeholders, percent-encoded as they are filled in: {topic}, {partition}, {offset}, {id}, {key}, {key.field}, {value.field}, {header:name}, {timestamp:yyyy-MM-dd}, {target}.',
    },
  ),
  method: Type.String({ pattern: '^[A-Z]{1,20}$', default: 'POST', description: 'HTTP method, in capitals.' }),
  allow: Type.Array(Name, {
    default: [],
    description:
      'Paths, and prefixes that end in *, that records may choose, besides what stands in front of the first placeholder in url.',
  }),
  maxTargets: Type.Integer({
    minimum: 1,
    default: 100,
    description: 'Most paths, each without its last part, that records may choose within a day.',
  }),
  headers: Type.Record(Type.String(), Type.String(), {
    default: {},
    description: 'Headers of each request. Values may hold the placeholders of url.',
  }),
  secretHeaders: Type.Record(Type.String(), Secret({ description: 'The value of the header.' }), {
    default: {},
    description: 'Headers with secret values, such as X-Api-Key: { ssm: name }.',
  }),
  contentType: Type.Optional(
    Type.String({
      pattern: '^[\\w.+-]+/[\\w.+-]+',
      description:
        'Content type. By default application/json, and application/x-ndjson for lines. It decides how placeholders in body are escaped.',
    }),
  ),
  body: Type.Optional(
    Type.Union([Type.String(), Type.Record(Type.String(), Type.Unknown()), Type.Array(Type.Unknown())], {
      description:
        'What is sent of a record: the shape of a JSON value, or text of another content type, with the placeholders of url and {value}, {timestamp}, {part}, {epoch}. In JSON a placeholder that stands alone keeps its type. Without it the value of the record, as it came where nothing touched it.',
    }),
  ),
  batch: Type.Optional(batch),
  tombstones: Type.Union([Type.Literal('ignore'), Type.Literal('send'), Type.Literal('delete')], {
    default: 'ignore',
    description: 'What a tombstone does: nothing, a request like any other (with the value null), or a DELETE to the URL of its key.',
  }),
  auth: Type.Optional(auth),
  signing: Type.Optional(signing),
  tls: Type.Optional(tls),
  idempotencyHeader: Type.Union([Type.String({ pattern: '^[A-Za-z0-9-]+$' }), Type.Literal(false)], {
    default: 'Idempotency-Key',
    description:
      'Header that is the same for every delivery of a record: connector, topic, partition, epoch, offset and part. A batch has the first and last of them, so it is recognised only when it is cut the same way again. `false` leaves it out.',
  }),
  receiverDeduplicates: Type.Boolean({
    default: false,
    description:
      'Says that the receiver keeps one copy however often the same thing arrives: by the idempotency header, by {id} in the items of a batch, or because PUT replaces. Only then does the sink count as idempotent. Nothing checks it.',
  }),
  success: Statuses(['200-299'], 'Statuses by which the receiver says that it took the records.'),
  retry: Statuses([408, 425, 429, '500-599'], 'Statuses after which the same records are sent again.'),
  order: Type.Union([Type.Literal('key'), Type.Literal('partition'), Type.Literal('none')], {
    default: 'key',
    description: 'Which records wait for each other when each is a request: those of one key, those of one partition, or none.',
  }),
  concurrency: Type.Integer({ minimum: 1, maximum: 500, default: 10, description: 'Most requests under way at the same time.' }),
  circuitBreaker: Type.Union(
    [
      Type.Object(
        {
          failures: Type.Integer({ minimum: 1, default: 10, description: 'Failures in a row after which nothing is sent.' }),
          openMs: Type.Integer({ minimum: 1, default: 10_000, description: 'Milliseconds until one request may try again.' }),
        },
        { additionalProperties: false },
      ),
      Type.Literal(false),
    ],
    { default: { failures: 10, openMs: 10_000 }, description: 'Spares a host that does not answer, or answers with 5xx.' },
  ),
  allowPrivate: Type.Boolean({
    default: false,
    description:
      'Whether the host may be, or resolve to, a private, loopback or link-local address. Needed for receivers inside of the own network.',
  }),
  timeoutMs: Type.Integer({ minimum: 10, default: 30_000, description: 'Milliseconds after which a request is given up.' }),
  connectTimeoutMs: Type.Integer({ minimum: 10, default: 5_000, description: 'Milliseconds after which connecting is given up.' }),
  maxResponseBytes: Type.Integer({ minimum: 1_000, default: 1_000_000, description: 'Most bytes that are read of an answer.' }),
});
export type Options = Static<typeof options>;
export type TlsOptions = Static<typeof tls>;

/** What requests are labelled with. */
export function contentTypeOf({ contentType, batch }: Pick<Options, 'contentType' | 'batch'>): string {
  return contentType ?? (batch?.format === 'lines' ? 'application/x-ndjson' : 'application/json');
}

/** Whether the URL of a record names the thing that the request replaces or deletes. */
export function replacesThings({ method, tombstones, batch }: Pick<Options, 'method' | 'tombstones' | 'batch'>): boolean {
  return batch === undefined && (method === 'PUT' || method === 'PATCH' || method === 'DELETE' || tombstones === 'delete');
}

type Say = (option: string, message: string) => void;

/** A message for each combination of options that makes no sense. */
export function checkCombinations(config: Options, say: Say): void {
  const { batch, tombstones, receiverDeduplicates, idempotencyHeader, headers, method, body, auth, tls: own } = config;
  if (tombstones === 'delete' && batch !== undefined)
    say('tombstones', 'Expected connector.sink.tombstones to be ignore or send with batch, as each DELETE is a request of its own.');
  if (tombstones === 'delete' && typeof config.url === 'string' && !/\{key[.}]/.test(config.url))
    say('tombstones', 'Expected {key} in connector.sink.url, as a tombstone has only a key to say what to delete.');
  if (receiverDeduplicates && batch !== undefined && !JSON.stringify(body ?? null).includes('{id}'))
    say(
      'receiverDeduplicates',
      'Expected {id} in connector.sink.body, as after a redelivery a batch can be cut in another way: the receiver has to know each item. E.g. body: { id: "{id}", value: "{value}" }.',
    );
  if (receiverDeduplicates && batch === undefined && idempotencyHeader === false && method !== 'PUT' && !mentionsId(config))
    say(
      'idempotencyHeader',
      'Expected connector.sink.idempotencyHeader, or {id} in url, headers or body, for the receiver to know a record again.',
    );
  if (batch?.wrapper !== undefined && batch.format === 'lines')
    say('batch.wrapper', 'Expected connector.sink.batch.wrapper only with format: array, as lines stand side by side.');
  if (batch?.answer !== undefined) checkAnswer(batch.answer, say);
  if ((method === 'GET' || method === 'HEAD') && (batch !== undefined || body !== undefined))
    say('method', `Expected another connector.sink.method than ${method}, which sends no body.`);
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization'))
    say(
      'headers',
      'Expected no authorization in connector.sink.headers, where anybody can read it. Set connector.sink.auth or secretHeaders.',
    );
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'content-type'))
    say(
      'headers',
      'Expected no content-type in connector.sink.headers, as it decides how values are escaped. Set connector.sink.contentType.',
    );
  if (batch?.format === 'array' && !isJsonType(contentTypeOf(config)))
    say('contentType', 'Expected connector.sink.contentType to be JSON with batch.format: array. Set it, or take format: lines.');
  for (const [where, files] of [
    ['tls', own],
    ['auth.tls', auth?.type === 'oauth2' ? auth.tls : undefined],
  ] as const)
    if (files !== undefined && (files.cert === undefined) !== (files.key === undefined))
      say(where, `Expected connector.sink.${where} to have cert and key, or neither.`);
}

function mentionsId({ url, headers, body }: Options): boolean {
  return JSON.stringify([url, headers, body ?? null]).includes('{id}');
}

function checkAnswer({ status, ok, error, index, lists }: Static<typeof answer>, say: Say): void {
  if (lists === 'all' && status === undefined && ok === undefined && error === undefined)
    say(
      'batch.answer',
      'Expected connector.sink.batch.answer to name a field of the items that says what became of them: status, ok or error.',
    );
  if (lists === 'failures' && index === undefined)
    say('batch.answer.index', 'Expected connector.sink.batch.answer.index with lists: failures, to know which items failed.');
}

/** The problem that a parser found, as one of the list. */
export function problemOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}
