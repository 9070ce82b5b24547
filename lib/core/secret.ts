import { type TUnsafe, Type } from 'typebox';
import { deployedMark, standIn } from './deployed.ts';

/** Where a secret is kept. The value itself never appears in a configuration. */
export type SecretReference =
  | { readonly ssm: string }
  | { readonly secretsManager: string; readonly field?: string }
  | { readonly env: string };

/** Answers the secret's text; throws a ConfigError that names the reference when it cannot be had. */
export type ReadSecret = (reference: SecretReference) => Promise<string>;

/** An option that holds a reference to a secret: `{ ssm }`, `{ secretsManager, field }` or `{ env }`. */
export function Secret(options: { readonly description: string }): TUnsafe<SecretReference> {
  return Type.Unsafe<SecretReference>({ ...secretSchema, ...options });
}

const text = { type: 'string', minLength: 1 } as const;
/** A secret of the same stack has an ARN that only deployment knows. */
const arn = { ...text, [deployedMark]: `arn:aws:secretsmanager:${standIn}` } as const;
const secretSchema = {
  'x-secret': true,
  anyOf: [
    { type: 'object', required: ['ssm'], properties: { ssm: text }, additionalProperties: false },
    { type: 'object', required: ['secretsManager'], properties: { secretsManager: arn, field: text }, additionalProperties: false },
    { type: 'object', required: ['env'], properties: { env: text }, additionalProperties: false },
  ],
} as const;

/** The reference in words, e.g. `ssm:/quakes/pg`. */
export function secretName(reference: SecretReference): string {
  if ('ssm' in reference) return `ssm:${reference.ssm}`;
  if ('env' in reference) return `env:${reference.env}`;
  return `secretsManager:${reference.secretsManager}${reference.field === undefined ? '' : `#${reference.field}`}`;
}
