import { buildCommand } from '@stricli/core';
import { type Context, examples, flag, jsonFlag, list, serviceFlags, text } from '../flags.ts';

interface Arguments {
  readonly config: string;
  readonly stage?: string;
  readonly brokers?: string;
  readonly file?: string;
  readonly key?: string;
  readonly keyField?: string;
  readonly header?: readonly string[];
  readonly tombstone?: boolean;
  readonly json?: boolean;
  readonly samples?: string;
}

const { config, stage } = serviceFlags;

export const produceCommand = buildCommand<Arguments, [string, ...string[]], Context>({
  docs: {
    brief: 'Write values to a topic: from the command line, a file, or standard input, one a line',
    fullDescription: `Writes each value as a record.\n${examples('sluice produce quakes --file quakes.jsonl --key-field id', `sluice produce quakes '{"id":"ci1"}' --key ci1`, 'sluice produce quakes --samples test/samples/quakes.jsonl', 'sluice produce quakes --key ci1 --tombstone')}`,
  },
  parameters: {
    flags: {
      config,
      stage,
      brokers: text('Brokers instead of those of the service', 'host:port'),
      file: text('A file with one value a line, or a .json file with a list', 'file'),
      key: text('Key of all records'),
      keyField: text('The field of each JSON value that becomes its key', 'name'),
      header: list('A header of all records', 'name=value'),
      json: jsonFlag,
      tombstone: flag('Write a tombstone for --key'),
      samples: text('A file of samples: keys, values and headers as they are there', 'file'),
    },
    positional: {
      kind: 'array',
      parameter: { brief: 'The topic, then values', placeholder: 'topic|value', parse: String },
      minimum: 1,
    },
  },
  async func(this: Context, flags, topic, ...values) {
    const { produce } = await import('../produce.ts');
    this.exit(await produce(flags, topic, values, this.world));
  },
});
