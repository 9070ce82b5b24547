import { describe, expect, it } from 'vitest';
import { type ProduceFlags, produce } from '../../../lib/cli/produce.ts';

/** Nothing listens there: what is refused is refused before anything is sent. */
const brokers = '127.0.0.1:1';

function run(flags: Partial<ProduceFlags>, values: readonly string[] = []): Promise<number> {
  const stream = { write: () => undefined };
  const stdin = (async function* () {})();
  const world = { env: {}, stdout: stream, stderr: stream, stdin, signal: new AbortController().signal };
  return produce({ config: 'none.yml', brokers, ...flags }, 'orders', values, world);
}

describe('produce', () => {
  it.each<[string, Partial<ProduceFlags>, string[], RegExp]>([
    ['a key field of a value that is no JSON', { keyField: 'id' }, ['{"id":1}', 'text'], /value 2 to be JSON/],
    ['a key field that a value lacks', { keyField: 'id' }, ['{"id":1}', '{}'], /value 2 to have the field id/],
    ['a tombstone without a key', { tombstone: true }, [], /say --key KEY/],
    ['a header without a name', { header: ['=x'] }, ['v'], /--header to be name=value/],
    ['a file that is not there', { file: 'nowhere.jsonl' }, [], /no readable nowhere.jsonl/],
    ['brokers that are none', { brokers: 'localhost' }, ['v'], /host:port/],
  ])('refuses %s and says what to do', async (_, flags, values, expected) => {
    await expect(run(flags, values)).rejects.toThrow(expected);
  });

  it('needs no Kafka to write nothing', async () => {
    expect(await run({})).toBe(0);
  });

  it('asks for brokers without a service file', async () => {
    const stream = { write: () => undefined };
    const world = { env: {}, stdout: stream, stderr: stream, stdin: (async function* () {})(), signal: new AbortController().signal };
    await expect(produce({ config: 'none.yml' }, 'orders', ['v'], world)).rejects.toThrow(/no readable none.yml/);
  });
});
