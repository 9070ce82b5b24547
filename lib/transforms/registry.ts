import type { TransformDefinition } from '../core/transform.ts';
import { filter } from './filter.ts';
import { flatten } from './flatten.ts';
import { insertField } from './insertField.ts';
import { rename } from './rename.ts';

/** The ready-made transforms that `connector.transforms` may name. */
export const transforms: ReadonlyMap<string, TransformDefinition> = new Map<string, TransformDefinition>(
  [flatten, rename, filter, insertField].map((transform) => [transform.name, transform]),
);
