import { parse } from 'yaml';
import { isObject } from '../core/field.ts';
import type { ServiceConnector } from './service.ts';

/**
 * The environment of an exported function. What comes from the environment of this machine, secrets above all, is not written down: the
 * deploy tool reads it from its own when it deploys.
 */
export function environmentOf(text: string, own: ServiceConnector, secretVariables: readonly string[]): Readonly<Record<string, string>> {
  const document: unknown = parse(text, { merge: true, logLevel: 'silent' });
  const written = {
    ...blockAt(document, ['provider', 'environment']),
    ...blockAt(document, ['functions', own.name, 'environment']),
  };
  const names = [...new Set([...Object.keys(written), ...Object.keys(own.environment), ...secretVariables])].sort();
  return Object.fromEntries(
    names.map((name) => {
      const given = Object.hasOwn(written, name) ? written[name] : undefined;
      return [name, isLiteral(given) && !secretVariables.includes(name) ? String(given) : atDeployment(given, name)];
    }),
  );
}

/** The variables that `${env('NAME')}` of s.yaml names. */
export function deployVariables(environment: Readonly<Record<string, string>>): string[] {
  return Object.values(environment).flatMap((value) => /^\$\{env\('([^']+)'\)\}$/.exec(value)?.[1] ?? []);
}

function atDeployment(given: unknown, name: string): string {
  const variable = typeof given === 'string' ? /^\$\{env:([\w.-]+)/.exec(given)?.[1] : undefined;
  return `\${env('${variable ?? name}')}`;
}

function isLiteral(given: unknown): given is string | number | boolean {
  return typeof given === 'number' || typeof given === 'boolean' || (typeof given === 'string' && !given.includes('${'));
}

function blockAt(document: unknown, path: readonly string[]): Readonly<Record<string, unknown>> {
  let node = document;
  for (const step of path) node = isObject(node) ? node[step] : undefined;
  return isObject(node) ? node : {};
}
