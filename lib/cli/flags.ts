// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how serverless.yml writes variables
import type { CommandContext } from '@stricli/core';
import { ConfigError } from '../core/errors.ts';
import type { ProduceWorld } from './produce.ts';

/** What every command is given by the program. */
export interface Context extends CommandContext {
  readonly world: ProduceWorld;
  /** The exit code of the command. */
  exit(code: number): void;
}

export const text = (brief: string, placeholder = 'value') =>
  ({ kind: 'parsed', brief, placeholder, parse: String, optional: true }) as const;
export const list = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', brief, placeholder, parse: String, optional: true, variadic: true }) as const;
export const number = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', brief, placeholder, parse: parseCount, optional: true }) as const;
export const flag = (brief: string) => ({ kind: 'boolean', brief, optional: true, withNegated: false }) as const;

/** Options of every command that reads serverless.yml. */
export const serviceFlags = {
  config: { kind: 'parsed', brief: 'The service file', placeholder: 'file', parse: String, default: 'serverless.yml' },
  stage: text('Stage, as for serverless deploy', 'name'),
  param: list('A parameter for ${param:…}', 'name=value'),
} as const;

export interface ServiceArguments {
  readonly config: string;
  readonly stage?: string;
  readonly param?: readonly string[];
}

export const jsonFlag = flag('Machine-readable JSON instead of text');

/** Parses `--param name=value`, however often it was given. Throws a ConfigError. */
export function withParams<Flags extends { readonly param?: readonly string[] }>({
  param,
  ...flags
}: Flags): Omit<Flags, 'param'> & { readonly param?: Readonly<Record<string, string>> } {
  return { ...flags, ...(param === undefined ? {} : { param: parseParams(param) }) };
}

function parseCount(input: string): number {
  if (!/^\d+$/.test(input)) throw new SyntaxError('Expected a whole number');
  return Number(input);
}

function parseParams(params: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    params.map((param) => {
      const at = param.indexOf('=');
      if (at < 1) throw new ConfigError('USAGE', 'Expected --param to be name=value.');
      return [param.slice(0, at), param.slice(at + 1)];
    }),
  );
}

/** The end of a command's help: how it is used. */
export function examples(...lines: readonly string[]): string {
  return `\nEXAMPLES\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
