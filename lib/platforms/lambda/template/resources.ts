/** A value of a template: text, or an intrinsic function that CloudFormation fills in. */
export type Value = string | { readonly [intrinsic: string]: unknown };

/** A resource of a CloudFormation template. */
export interface Resource {
  readonly Type: string;
  readonly DependsOn?: readonly string[];
  readonly Properties: Readonly<Record<string, unknown>>;
}

export type Resources = Readonly<Record<string, Resource>>;

/** One statement of an IAM policy. */
export interface Statement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly Value[];
}

export function allow(actions: readonly string[], resources: readonly Value[]): Statement {
  return { Effect: 'Allow', Action: actions, Resource: resources };
}

/** A name as the identifier of a resource: letters and digits, with other signs spelled out, so that two names never become one. */
export function logicalId(...names: readonly string[]): string {
  return names.map(spelled).join('');
}

function spelled(name: string): string {
  const words = name.replaceAll('-', 'Dash').replaceAll('_', 'Underscore').replaceAll('.', 'Dot');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
