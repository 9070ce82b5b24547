import { ConnectorError } from '../core/errors.ts';
import { readChosen, type ServiceFlags } from './chosen.ts';
import { findControls, type PlatformFlags } from './controls.ts';
import type { CommandWorld } from './dev.ts';
import { terminal } from './terminal.ts';

export interface SteerFlags extends ServiceFlags, PlatformFlags {}

export type Action = 'pause' | 'resume' | 'restart';

/** Longer than AWS takes to enable or disable a trigger. */
const waitMs = 180_000;

/** Pauses, resumes or restarts connectors. Answers the exit code: 0 when it was done, 1 when it failed or still goes on, 2 when something has to be done first. */
export async function steer(action: Action, flags: SteerFlags, names: readonly string[], world: CommandWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const { service, chosen } = await readChosen(flags, names, world);
  const controls = await findControls(service, flags, world);
  const signal = AbortSignal.any([world.signal, AbortSignal.timeout(waitMs)]);
  const width = Math.max(...chosen.map(({ name }) => name.length));
  const codes = await Promise.all(
    chosen.map(async (own) => {
      try {
        const control = await controls.of(own);
        const change = await control[action](signal);
        const { isDone } = change;
        if (flags.json === true) out.line(JSON.stringify({ connector: own.name, platform: control.platform, action, ...change }));
        else {
          const state = change.state.padEnd(13);
          out.line(
            `  ${own.name.padEnd(width)}   ${control.platform.padEnd(6)}   ${isDone ? state : out.style('yellow', state)}   ${change.message}`,
          );
        }
        return isDone ? 0 : 1;
      } catch (error) {
        if (!(error instanceof ConnectorError)) throw error;
        if (flags.json === true)
          out.line(JSON.stringify({ connector: own.name, action, isDone: false, code: error.code, message: error.message }));
        else out.line(`  ${own.name.padEnd(width)}   ${out.style('red', error.code)}   ${error.message}`);
        return error.class === 'config' ? 2 : 1;
      }
    }),
  );
  return Math.max(...codes);
}
