import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/core/config.ts';
import { ConfigError, DataError, RetriableError } from '../../../lib/core/errors.ts';
import { silentLog } from '../../../lib/core/log.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import { jsonLine, printingTo } from '../../../lib/sinks/console.ts';
import { record } from '../../support/records.ts';

const { signal } = new AbortController();

async function printed(options: object, records: readonly KafkaRecord[]) {
  let text = '';
  const output = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  const sink = await openOn(output, options);
  const outcomes = await sink.write(records, { signal });
  return { text, outcomes };
}

function openOn(output: Writable, options: object) {
  const definition = printingTo(output);
  const config = parseConfig(definition.config, options, 'connector.sink');
  return definition.open(config, { connector: 'alerts', log: silentLog, now: () => 0, secret: async () => '' });
}

describe('the console sink', () => {
  it('prints key and value of each record on a line of its own', async () => {
    const { text, outcomes } = await printed({}, [record('a', { mag: 5.2 }), record(null, ['x'])]);
    expect(text).toBe('a\t{"mag":5.2}\nnull\t["x"]\n');
    expect(outcomes).toEqual(['delivered', 'delivered']);
  });

  it('fills in a template', async () => {
    const quake = record('ci1', { mag: 5.2, place: 'Great Swan Island' }, { offset: 17 });
    const { text } = await printed({ template: 'M {value.mag} {value.place} ({topic}-{partition}@{offset})' }, [quake]);
    expect(text).toBe('M 5.2 Great Swan Island (orders-0@17)\n');
  });

  it('refuses a record that lacks what the template asks for, and prints its neighbours', async () => {
    const { text, outcomes } = await printed({ template: '{value.mag}' }, [
      record('a', { mag: 1 }),
      record('b', {}),
      record('c', { mag: 3 }),
    ]);
    expect(text).toBe('1\n3\n');
    expect(outcomes[1]).toBeInstanceOf(DataError);
  });

  it('says which option holds a template that makes no sense', async () => {
    await expect(printed({ template: '{value}' }, [])).rejects.toThrow(ConfigError);
    await expect(printed({ template: '{value}' }, [])).rejects.toThrow('connector.sink.template');
  });

  it('ignores tombstones, or prints them when asked to', async () => {
    expect(await printed({}, [record('a', null)])).toEqual({ text: '', outcomes: ['ignored'] });
    expect(await printed({ tombstones: 'print' }, [record('a', null)])).toEqual({ text: 'a\tnull\n', outcomes: ['delivered'] });
  });

  it('lets no record start a second line or steer the terminal', async () => {
    const { text } = await printed({ template: '{value.place}' }, [record('a', { place: 'one\ntwo\u001b[2J\u2028\u0085' })]);
    expect(text).toBe('one\\u000atwo\\u001b[2J\\u2028\\u0085\n');
  });

  it('keeps the digits of integers that a double cannot hold, and shows bytes in base64', () => {
    const value = { big: 9007199254740993n, raw: new Uint8Array([1, 2]), buffer: Buffer.from([3]) };
    expect(jsonLine(record('a', value))).toBe('a\t{"big":9007199254740993,"raw":"AQI=","buffer":"Aw=="}');
  });

  it('answers a RetriableError when the output is closed', async () => {
    const output = new Writable({ write: (_, __, done) => done(new Error('EPIPE')) });
    output.on('error', () => undefined);
    const sink = await openOn(output, {});
    await expect(sink.write([record('a', 1)], { signal })).rejects.toThrow(RetriableError);
  });
});
