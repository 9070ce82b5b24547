import { triggerGroup } from '../../core/consumer-group.ts';
import { isObject } from '../../core/field.ts';
import { topicsOf } from '../../core/settings.ts';
import type { AcknowledgeMode } from '../../core/settle.ts';
import type { SinkDefinition } from '../../core/sink.ts';
import type { Check } from '../checks.ts';
import type { ReadFunctionSettings } from './function-settings.ts';

/** Asks a function to look around instead of delivering. It has nothing of a batch, and a batch of Kafka always has more than this. */
export const doctorEvent = { sluice: 'doctor' } as const;

/** What a function answers to it. Nothing of it can be taken for an acknowledgement. */
export interface DoctorAnswer {
  readonly sluice: 'doctor';
  readonly connector: string;
  /** How the function answers batches: its triggers have to take it so. */
  readonly mode: AcknowledgeMode;
  readonly groups: readonly string[];
  readonly checks: readonly Check[];
}

/** True for exactly the doctor's event. */
export function isDoctorEvent(event: unknown): boolean {
  return isObject(event) && Object.keys(event).length === 1 && event['sluice'] === doctorEvent.sluice;
}

/** True for what a function answers to the doctor, and nothing else. */
export function isDoctorAnswer(answer: unknown): answer is DoctorAnswer {
  return isObject(answer) && answer['sluice'] === 'doctor' && Array.isArray(answer['checks']) && typeof answer['connector'] === 'string';
}

/** Runs the checks from where the function is. */
export async function examine(
  { service, stage, name, settings, cluster, mode }: ReadFunctionSettings,
  sink: SinkDefinition,
  { env, signal }: { readonly env: Readonly<Record<string, string | undefined>>; readonly signal: AbortSignal },
): Promise<DoctorAnswer> {
  const { checkConnector } = await import('../checks.ts');
  const groups = topicsOf(settings).map((topic) => triggerGroup({ service, stage, connector: name }, settings, topic));
  const checks = await checkConnector({ connector: name, sink, settings, cluster, groups, env, signal });
  return { sluice: 'doctor', connector: name, mode, groups, checks };
}
