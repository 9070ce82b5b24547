import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, examples, jsonFlag, type ServiceArguments, serviceFlags, text, withParams } from '../flags.ts';

interface Arguments extends ServiceArguments {
  readonly out?: string;
  readonly json?: boolean;
}

const fcCommand = buildCommand<Arguments, string[], Context>({
  docs: {
    brief: "Write what Alibaba Cloud's Function Compute needs",
    fullDescription: `Writes s.yaml and a package for each connector, with Node in it; the deploy tool of Function Compute, s, takes both. Set sluice.fc.region and sluice.fc.instanceId first.\n${examples('sluice export fc', 'sluice export fc quakes-to-lake --stage prod --out deploy/fc')}`,
  },
  parameters: {
    flags: { ...serviceFlags, out: text('Another folder (.sluice/fc)', 'folder'), json: jsonFlag },
    positional: { kind: 'array', parameter: { brief: 'The connectors; all without a name', placeholder: 'name', parse: String } },
  },
  async func(this: Context, flags, ...names) {
    const { exportFc } = await import('../export.ts');
    this.exit(await exportFc(withParams(flags), names, this.world));
  },
});

export const exportCommands = buildRouteMap({
  routes: { fc: fcCommand },
  docs: { brief: 'Write what another platform deploys' },
});
