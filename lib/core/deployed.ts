import type { TSchema } from 'typebox';

/** What marks an option whose value may be known at deployment only; says what stands in its place until then. */
export const deployedMark = 'x-known-at-deployment';
/** The part of a stand-in that is made unique. */
export const standIn = 'known-at-deployment';

/**
 * An option that also takes an intrinsic function, such as `{ Ref: … }`: its value then reaches the function through its environment.
 * Until deployment a text like `sample` is checked in its place.
 */
export function deployed<Schema extends TSchema>(schema: Schema, sample: `${string}${typeof standIn}${string}` = standIn): Schema {
  return { ...schema, [deployedMark]: sample };
}
