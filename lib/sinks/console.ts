import type { Writable } from 'node:stream';
import { Type } from 'typebox';
import { DataError, RetriableError } from '../core/errors.ts';
import { toJson } from '../core/json.ts';
import { type KafkaRecord, originName } from '../core/record.ts';
import { defineSink, type Outcome, type SinkDefinition } from '../core/sink.ts';
import { parseTemplate } from '../core/template.ts';

const config = Type.Object({
  template: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'The line, e.g. "M {value.mag} {value.place}". Without it: key, a tab and the value as JSON.',
    }),
  ),
  tombstones: Type.Union([Type.Literal('ignore'), Type.Literal('print')], {
    default: 'ignore',
    description: 'Whether a tombstone gets a line too, with null for its value. A template that reads the value cannot print one.',
  }),
});

/** A console sink that prints to the given stream. */
export function printingTo(output: Writable): SinkDefinition<typeof config> {
  return defineSink({
    name: 'console',
    summary: 'Prints one line per record to standard output.',
    config,
    guarantees: () => ({ idempotent: false, ordered: false, deletes: false, partial: true }),
    limits: () => ({ records: 1_000, bytes: 1_000_000 }),
    permissions: () => [],
    modes: [{ name: 'one line per record', config: {} }],
    errors: [
      { when: 'a template asks for a field that the record lacks', class: 'data', meaning: 'there is no line to print' },
      { when: 'the stream is closed or broken', class: 'retriable', meaning: 'nobody reads the output' },
    ],
    async open({ template, tombstones }) {
      const render = template === undefined ? jsonLine : parseTemplate(template, 'connector.sink.template').render;
      return {
        async write(records, { signal }) {
          if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
          let text = '';
          const outcomes = records.map((record): Outcome => {
            if (record.value === null && tombstones === 'ignore') return 'ignored';
            const line = lineOf(record, render);
            if (typeof line !== 'string') return line;
            text += `${line}\n`;
            return 'delivered';
          });
          if (text !== '') await print(output, text);
          return outcomes;
        },
      };
    },
  });
}

export const consoleSink = printingTo(process.stdout);

function lineOf(record: KafkaRecord, render: (record: KafkaRecord) => string): string | DataError {
  if (record.target !== undefined)
    return new DataError('TARGET_NOT_ALLOWED', `Record chose a target, and the console has none (${originName(record.origin)})`);
  try {
    return onOneLine(render(record));
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

/** Key, tab, value as JSON; numbers that a double cannot hold keep their digits. */
export function jsonLine({ key, value }: KafkaRecord): string {
  return `${typeof key === 'string' ? key : toJson(key)}\t${toJson(value)}`;
}

/** A record must neither start a second line nor steer the terminal. */
function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) =>
    character === '\t' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function print(output: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => {
      if (error == null) resolve();
      else reject(new RetriableError('SINK_UNAVAILABLE', 'The output is closed', { cause: error }));
    });
  });
}
