import { ConfigError } from '../../core/errors.ts';
import { type Header, type Origin, originName, type SourceRecord } from '../../core/record.ts';
import type { CommandWorld } from '../dev.ts';
import { count, type Terminal, terminal } from '../terminal.ts';
import { type DeadLetter, originalHeaders, readLetter } from './dead-letter.ts';
import type { LetterFilter } from './filter.ts';
import { letterFilter } from './filter.ts';
import { checkGroup } from './groups.ts';
import type { Journal } from './journal.ts';
import { type DlqFlags, onlyTopic, withDlq } from './open.ts';
import { cut, longTime, printable, utf8Text } from './text.ts';
import { readLetters, readPlaces } from './topic.ts';

export interface ShowFlags extends DlqFlags, LetterFilter {
  /** Nothing is cut. */
  readonly full?: boolean;
}

const cutBytes = 500;
const cutText = 160;

/** Shows one letter: the one at `topic-partition@offset`, or the last one of a connector that fits. Answers the exit code. */
export async function dlqShow(flags: ShowFlags, which: string, world: CommandWorld): Promise<number> {
  const place = parsePlace(which);
  const topic = place === undefined ? flags.topic : place.topic;
  const dlqFlags = topic === undefined ? flags : { ...flags, topic };
  return await withDlq(dlqFlags, place === undefined ? which : undefined, world, async (dlq) => {
    const at = place ?? (await lastOf(which, onlyTopic(dlq)));
    onlyTopic(dlq);
    const record = (await readPlaces(dlq.inspector, [at])).get(originName(at));
    if (record === undefined)
      throw new ConfigError('USAGE', `There is no letter at ${originName(at)}. Kafka may have deleted it by its retention.`);
    const letter = readLetter(record);
    const journal = letter.connector === undefined ? undefined : await dlq.journal(letter.connector, at.topic);
    const out = terminal(world.stdout, world.env);
    if (flags.json === true) out.line(JSON.stringify(letterJson(letter, record, journal), null, 2));
    else print(letter, record, journal, flags.full === true, out);
    return 0;

    async function lastOf(connector: string, name: string): Promise<Origin> {
      const isMeant = letterFilter(flags, Date.now());
      const letters = await readLetters(dlq.inspector, name, (each) => each.connector === connector, world.signal);
      checkGroup(flags.group, letters);
      const last = letters.findLast(isMeant);
      if (last === undefined)
        throw new ConfigError('USAGE', `There is no such letter of ${connector} in ${name}. sluice dlq list shows what there is.`);
      return last.place;
    }
  });
}

/** `quakes.dlq-0@3`; undefined for anything else, such as a connector's name. */
function parsePlace(text: string): Origin | undefined {
  const match = /^([a-zA-Z0-9._-]+)-(\d+)@(\d+)$/.exec(text);
  return match === null ? undefined : { topic: match[1] ?? '', partition: Number(match[2]), offset: Number(match[3]) };
}

function print(letter: DeadLetter, record: SourceRecord, journal: Journal | undefined, full: boolean, out: Terminal): void {
  const limit = (text: string): string => (full ? text : cut(text, cutText));
  const fact = (name: string, text: string | undefined): void => {
    if (text !== undefined) out.line(`  ${out.style('dim', name.padEnd(11))} ${text}`);
  };
  const { version, origin, parts } = letter;
  out.line(out.style('bold', originName(letter.place)));
  fact('from', origin === undefined ? 'not said' : originName(origin));
  fact('connector', `${letter.connector ?? 'not said'}${letter.configVersion === undefined ? '' : `, settings ${letter.configVersion}`}`);
  fact('because', limit(`${printable(letter.code)}  ${printable(letter.message)}`));
  fact('stage', printable(letter.stage));
  fact('group', letter.fingerprint);
  fact('failed', failedText(letter));
  fact('version', version === undefined ? undefined : `${originName(version)}, epoch ${version.epoch}`);
  fact('parts', parts === undefined ? undefined : `${parts.join(', ')} of what the transform made of it`);
  fact('replayed', journal === undefined ? undefined : markText(letter, journal));
  fact('key', bytesText(record.key, full));
  fact(
    'value',
    letter.isBodyOmitted
      ? `not in the letter, as it was too large: it is at ${origin && originName(origin)}`
      : bytesText(record.value, full),
  );
  const original = originalHeaders(record.headers);
  for (const [index, header] of original.entries()) fact(index === 0 ? 'headers' : '', limit(headerText(header)));
  const context = record.headers.slice(original.length);
  for (const [index, header] of context.entries()) fact(index === 0 ? 'context' : '', out.style('dim', limit(headerText(header))));
}

function failedText({ firstFailure, lastFailure, attempts, rounds }: DeadLetter): string {
  const times = firstFailure === lastFailure ? longTime(lastFailure) : `${longTime(firstFailure)}, last ${longTime(lastFailure)}`;
  const tries = attempts > 1 ? `   ${attempts} attempts` : '';
  return `${times}${tries}${rounds > 0 ? `   sent to its topic again ${rounds}×` : ''}`;
}

function markText({ place }: DeadLetter, journal: Journal): string {
  const failures = journal.failures(place);
  const refused = failures === 0 ? '' : `, refused again ${failures}×`;
  return `${journal.isReplayed(place) ? 'yes' : 'no'}${refused}, as far as ${journal.file} knows`;
}

/** Text as it is, other bytes in hexadecimal. */
function bytesText(bytes: Uint8Array | null, full: boolean): string {
  if (bytes === null) return 'null';
  const size = `(${count(bytes.length)} bytes)`;
  const text = utf8Text(bytes);
  const limit = full ? bytes.length : cutBytes;
  if (text !== undefined) return `${cut(visible(text), Math.max(1, full ? Number.POSITIVE_INFINITY : limit))}   ${size}`;
  const hex = Buffer.from(bytes.subarray(0, limit))
    .toString('hex')
    .replaceAll(/(..)(?=.)/g, '$1 ');
  return `${hex}${bytes.length > limit ? ' …' : ''}   ${size}`;
}

/** What steers a terminal is shown as what it is. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

function headerText({ key, value }: Header): string {
  const text = utf8Text(value);
  return `${printable(key)} = ${text === undefined ? Buffer.from(value).toString('hex') : printable(text)}`;
}

/** A letter to programs. Bytes that are not UTF-8, or that look like it by chance, are exact in base64. */
export function letterJson(
  letter: DeadLetter,
  record: SourceRecord,
  journal: Journal | undefined,
  as: 'text' | 'base64' | 'both' = 'both',
): object {
  const bytes = (value: Uint8Array | null): object | null => {
    if (value === null) return null;
    const text = as === 'base64' ? undefined : utf8Text(value);
    const base64 = as === 'text' && text !== undefined ? undefined : Buffer.from(value).toString('base64');
    return { ...(text === undefined ? {} : { text }), ...(base64 === undefined ? {} : { base64 }) };
  };
  const original = originalHeaders(record.headers);
  const { place, origin, version, parts, connector, configVersion, firstFailure, lastFailure, timestamp, fingerprint, ...rest } = letter;
  return {
    letter: originName(place),
    connector: connector ?? null,
    origin: origin ?? null,
    version: version ?? null,
    parts: parts ?? null,
    group: fingerprint,
    ...rest,
    configVersion: configVersion ?? null,
    firstFailure: new Date(firstFailure).toISOString(),
    lastFailure: new Date(lastFailure).toISOString(),
    timestamp,
    replayed: journal?.isReplayed(place) ?? false,
    key: bytes(record.key),
    value: bytes(record.value),
    headers: original.map(({ key, value }) => ({ key, value: bytes(value) })),
    context: record.headers.slice(original.length).map(({ key, value }) => ({ key, value: utf8Text(value) ?? null })),
  };
}
