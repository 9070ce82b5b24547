import { buildCommand } from '@stricli/core';
import { type Context, examples, flag, jsonFlag, type ServiceArguments, serviceFlags, withParams } from '../flags.ts';

interface Arguments extends ServiceArguments {
  readonly update?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

export const testCommand = buildCommand<Arguments, [string?], Context>({
  docs: {
    brief: 'Run samples through connectors and compare with the expected records',
    fullDescription: `Takes the samples of test/samples/NAME.jsonl and of test/samples/TOPIC.jsonl through the connector's formats, its ready-made transforms and its own, and compares with test/samples/NAME.expected.jsonl. Nothing is written anywhere else.\n${examples('sluice test', 'sluice test quakes-to-postgres --watch', 'sluice test quakes-to-postgres --update')}`,
  },
  parameters: {
    flags: {
      ...serviceFlags,
      update: flag('Write what comes out now as what is expected'),
      watch: flag('Again whenever a file changes'),
      json: jsonFlag,
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'The connector', placeholder: 'name', parse: String, optional: true }] },
  },
  async func(this: Context, flags, name) {
    const { test } = await import('../test.ts');
    this.exit(await test(withParams(flags), name, this.world));
  },
});
