import type { TSchema } from 'typebox';

/** What marks an option whose value may be known at deployment only. */
export const deployedMark = 'x-known-at-deployment';

/** An option that also takes an intrinsic function, such as `{ Ref: … }`: its value then reaches the function through its environment. */
export function deployed<Schema extends TSchema>(schema: Schema): Schema {
  return { ...schema, [deployedMark]: true };
}
