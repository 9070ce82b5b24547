import { ConnectorError } from '../core/errors.ts';
import type { KafkaRecord } from '../core/record.ts';
import { defineSink, type Sink } from '../core/sink.ts';
import { answerReader } from './webhook/answers.ts';
import { writeTogether } from './webhook/batch.ts';
import { contentReader } from './webhook/body.ts';
import { circuitBreaker, noBreaker } from './webhook/breaker.ts';
import { type Circumstance, classifier, errorRules } from './webhook/classification.ts';
import { joinArray, joinLines } from './webhook/envelope.ts';
import { headerTemplates } from './webhook/headers.ts';
import { recordIds } from './webhook/idempotency.ts';
import { checkCombinations, contentTypeOf, type Options, options, problemOf, replacesThings } from './webhook/options.ts';
import { openClients, openSigner, readUrl, rememberingSecrets, secretHeaders } from './webhook/parts.ts';
import type { Plan } from './webhook/plan.ts';
import { sender } from './webhook/request.ts';
import { writeSingly } from './webhook/single.ts';
import { urlTemplate } from './webhook/url.ts';

const example = { url: 'https://api.example.org/quakes' };
const exampleByKey = { url: 'https://api.example.org/quakes/{key}', method: 'PUT', tombstones: 'delete', receiverDeduplicates: true };

export const webhook = defineSink({
  name: 'webhook',
  summary: 'Sends records to any HTTP endpoint, each as a request or many in one.',
  config: options,
  check: checkOptions,
  guarantees: ({ receiverDeduplicates, tombstones }) => ({
    idempotent: receiverDeduplicates, // nobody but the receiver can know a request again
    ordered: false,
    deletes: tombstones === 'delete',
    partial: true,
  }),
  limits: ({ batch }) => (batch === undefined ? { records: 500, bytes: 10_000_000 } : { records: batch.maxRecords, bytes: batch.maxBytes }),
  permissions: () => [],
  modes: [
    { name: 'a request per record', config: example },
    { name: 'a request per record, the receiver knows it again', config: { ...example, receiverDeduplicates: true } },
    { name: 'things by key, replaced and deleted', config: exampleByKey },
    { name: 'batches', config: { ...example, batch: {} } },
    {
      name: 'batches, the receiver knows each item again',
      config: { ...example, batch: { answer: { status: 'status' } }, body: { id: '{id}', value: '{value}' }, receiverDeduplicates: true },
    },
  ],
  errors: errorRules,
  async open(config, { connector, secret, now }) {
    const secrets = rememberingSecrets(secret);
    const idOf = recordIds(connector);
    const url = urlTemplate({ url: await readUrl(config, secrets), allow: config.allow, maxTargets: config.maxTargets, now }, idOf);
    const { constant, headersOf } = headerTemplates(config.headers, idOf);
    const { method, tombstones, concurrency, batch, circuitBreaker: breaker, receiverDeduplicates, idempotencyHeader } = config;
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const contentType = hasBody ? { 'content-type': contentTypeOf(config) } : {};
    const headers = { 'user-agent': 'sluice', ...contentType, ...constant, ...(await secretHeaders(config, secrets)) };
    const signer = await openSigner(config, secrets);
    const { client, tokens, close } = await openClients(config, secrets, now);
    const circumstances = new Set<Circumstance>();
    if (!url.isSteered) circumstances.add('fixed-path');
    if (receiverDeduplicates) circumstances.add('deduplicates');
    const plan: Plan = {
      ...{ method, url, headers, headersOf, idOf, tombstones, circumstances, concurrency },
      contentOf: hasBody ? contentReader(config.body, contentTypeOf(config), idOf) : undefined,
      idempotencyHeader: idempotencyHeader === false ? undefined : idempotencyHeader.toLowerCase(),
      classify: classifier(config),
      send: sender({ client, breaker: breaker === false ? noBreaker : circuitBreaker(breaker, now), signer, tokens, now }),
      secrets: secrets.known,
    };
    const write = batch === undefined ? singleWriter(plan, config) : batchWriter(plan, batch);
    const sink: Sink = {
      write: (records, { signal }) => write(records, signal),
      identity: identityOf(plan, config),
      close,
    };
    return sink;
  },
});

type Write = (records: readonly KafkaRecord[], signal: AbortSignal) => ReturnType<Sink['write']>;

function singleWriter(plan: Plan, config: Options): Write {
  const options = { order: config.order, replacesThings: replacesThings(config) };
  return (records, signal) => writeSingly(plan, records, options, signal);
}

function batchWriter(plan: Plan, { format, wrapper, answer }: NonNullable<Options['batch']>): Write {
  const join = format === 'lines' ? joinLines : joinArray(wrapper);
  const readAnswers = answer === undefined ? undefined : answerReader(answer);
  return (records, signal) => writeTogether(plan, records, { join, readAnswers }, signal);
}

/** The URL where it names a thing, the id where the receiver knows it, nothing elsewhere. */
function identityOf({ url, idOf }: Plan, config: Options): (record: KafkaRecord) => string | null {
  if (replacesThings(config) && url.constant === undefined)
    return (record) => {
      try {
        return url.urlOf(record).href;
      } catch (error) {
        if (error instanceof ConnectorError) return null; // it is refused when it is written
        throw error;
      }
    };
  return config.receiverDeduplicates ? idOf : () => null;
}

/** A message for each option, and combination of options, that makes no sense. */
function checkOptions(config: Options): readonly { readonly path: string; readonly message: string }[] {
  const problems: { path: string; message: string }[] = [];
  const say = (option: string, message: string | undefined): void => {
    if (message !== undefined) problems.push({ path: `connector.sink.${option}`, message });
  };
  const { url, allow, maxTargets, headers, secretHeaders: named, body, batch } = config;
  const idOf = recordIds('check');
  if (typeof url === 'string')
    say(
      'url',
      problemOf(() => urlTemplate({ url, allow, maxTargets, now: () => 0 }, idOf)),
    );
  say(
    'headers',
    problemOf(() => headerTemplates({ ...headers, ...Object.fromEntries(Object.keys(named).map((name) => [name, ''])) }, idOf)),
  );
  say(
    'body',
    problemOf(() => contentReader(body, contentTypeOf(config), idOf)),
  );
  if (batch !== undefined)
    say(
      'batch.wrapper',
      problemOf(() => joinArray(batch.wrapper)),
    );
  checkCombinations(config, say);
  return problems;
}
