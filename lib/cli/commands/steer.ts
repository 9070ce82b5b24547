import { buildCommand } from '@stricli/core';
import { type Context, examples, withParams } from '../flags.ts';
import { type ControlArguments, controlFlags } from './control-flags.ts';

const named = {
  kind: 'array',
  parameter: { brief: 'Connectors', placeholder: 'name', parse: String },
  minimum: 1,
} as const;

function steering(action: 'pause' | 'resume' | 'restart', brief: string, fullDescription: string) {
  return buildCommand<ControlArguments, string[], Context>({
    docs: {
      brief,
      fullDescription: `${fullDescription}\n${examples(`sluice ${action} quakes-to-postgres`, `sluice ${action} quakes-to-postgres --stage prod`, `SLUICE_CONTROL_TOKEN=… sluice ${action} quakes-to-lake --workers http://10.0.0.7:9400`)}`,
    },
    parameters: { flags: controlFlags, positional: named },
    async func(this: Context, flags, ...names) {
      const { steer } = await import('../steer.ts');
      this.exit(await steer(action, withParams(flags), names, this.world));
    },
  });
}

export const pauseCommand = steering(
  'pause',
  'Stop deliveries; records stay in Kafka',
  'Lambda: disables the triggers and waits until they are. Workers: they commit and leave the consumer group; their processes stay.',
);
export const resumeCommand = steering(
  'resume',
  'Go on with what was paused',
  'Lambda: enables the triggers and waits until they are. Workers: they join the consumer group again.',
);
export const restartCommand = steering(
  'restart',
  'Start connectors anew, with secrets and connections as they are now',
  'Lambda: sets SLUICE_RESTARTED_AT in the environment of the function, so that its next invocations get new environments. Workers: they drain, commit and end, and sluice run starts new processes. Settings stay as they were deployed, or as sluice run read them.',
);
