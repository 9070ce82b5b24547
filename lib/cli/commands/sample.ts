import { buildCommand } from '@stricli/core';
import { type Context, examples, flag, jsonFlag, list, number, serviceFlags, text } from '../flags.ts';
import type { SampleFlags } from '../sample.ts';

const { config, stage } = serviceFlags;

export const sampleCommand = buildCommand<SampleFlags, [string], Context>({
  docs: {
    brief: 'Capture records of a topic, to try transforms on',
    fullDescription: `Writes test/samples/TOPIC.jsonl, which sluice test reads: a record a line, with origin, timestamp, headers, key and value.\nMasks keep the kind and the shape of a value, and the same content always gets the same mask. Who may guess contents could try them all: set SLUICE_MASK_KEY to a secret text then.\n${examples('sluice sample quakes --count 20', 'sluice sample orders --mask email,items.name,key,header:user', 'sluice sample quakes --from-beginning --out -')}`,
  },
  parameters: {
    flags: {
      config,
      stage,
      brokers: text('Brokers instead of those of the service', 'host:port'),
      count: number('How many records (20)', 'records'),
      mask: list('Fields to mask, separated by commas', 'field'),
      fromBeginning: flag('The oldest records instead of the newest'),
      out: text('Another file; - for standard output', 'file'),
      append: flag('Add to the file'),
      force: flag('Replace the file'),
      json: jsonFlag,
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'The topic', placeholder: 'topic', parse: String }] },
  },
  async func(this: Context, flags, topic) {
    const { sample } = await import('../sample.ts');
    this.exit(await sample(flags, topic, this.world));
  },
});
