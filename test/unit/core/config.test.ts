import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { parseConfig, readConfig } from '../../../lib/core/config.ts';
import { Secret } from '../../../lib/core/secret.ts';

const schema = Type.Object(
  {
    index: Type.String({ description: 'Index to write to.' }),
    node: Type.Optional(Type.String({ format: 'uri', description: 'Base URL of the cluster.' })),
    write: Type.Union([Type.Literal('index'), Type.Literal('create')], { default: 'index', description: 'What a record does.' }),
    size: Type.Integer({ minimum: 1, maximum: 10, default: 5, description: 'How many.' }),
    strict: Type.Boolean({ default: false, description: 'Whether.' }),
    fields: Type.Optional(Type.Record(Type.String(), Type.String())),
    keys: Type.Optional(Type.Array(Type.String(), { minItems: 1, description: 'Which keys.' })),
    apiKey: Type.Optional(Secret({ description: 'API key.' })),
  },
  { additionalProperties: false },
);
const problemsOf = (value: unknown) =>
  readConfig(schema, value, 'connector.sink').problems.map(({ path, message }) => `${path}: ${message}`);

describe('a configuration', () => {
  it('is filled up with its defaults', () => {
    expect(parseConfig(schema, { index: 'a' }, 'connector.sink')).toEqual({ index: 'a', write: 'index', size: 5, strict: false });
  });

  it('may come as text, as environment variables do', () => {
    expect(parseConfig(schema, { index: 'a', size: '7', strict: 'true' }, 'connector.sink')).toMatchObject({ size: 7, strict: true });
  });

  it.each([
    [{}, 'connector.sink.index: Expected connector.sink.index to be a string, got nothing. Set it: index to write to.'],
    [{ index: 5 }, 'connector.sink.index: Expected connector.sink.index to be a string, got 5. It is: index to write to.'],
    [
      { index: 'a', size: 11 },
      'connector.sink.size: Expected connector.sink.size to be a whole number from 1 to 10, got 11. It is: how many.',
    ],
    [
      { index: 'a', write: 'crate' },
      'connector.sink.write: Expected connector.sink.write to be "index" or "create", got text. Did you mean "create"?',
    ],
    [{ index: 'a', Index: 'a' }, 'connector.sink.Index: Unknown option "Index" in connector.sink. Did you mean "index"?'],
    [
      { index: 'a', node: 'here' },
      'connector.sink.node: Expected connector.sink.node to be a URL, got text. It is: base URL of the cluster.',
    ],
    [
      { index: 'a', keys: [] },
      'connector.sink.keys: Expected connector.sink.keys to be a list of at least 1, got an empty list. It is: which keys.',
    ],
    [{ index: 'a', keys: ['x', 1] }, 'connector.sink.keys[1]: Expected connector.sink.keys[1] to be a string, got 1.'],
    [{ index: 'a', fields: { x: 1 } }, 'connector.sink.fields.x: Expected connector.sink.fields.x to be a string, got 1.'],
  ])('%j is refused with its path, what was expected and what to set', (value, message) => {
    expect(problemsOf(value)).toEqual([message]);
  });

  it('lists every problem at once', () => {
    expect(problemsOf({ size: 0, nonsense: 1 })).toHaveLength(3);
    expect(() => parseConfig(schema, { size: 0, nonsense: 1 }, 'connector.sink')).toThrow(/index[\s\S]*size[\s\S]*nonsense/);
  });

  // biome-ignore lint/suspicious/noTemplateCurlyInString: what people write
  it.each(['hunter2', '${ssm:/quakes/es}', 31_415_926])('refuses the literal %s as a secret, without repeating it', (literal) => {
    const [message] = problemsOf({ index: 'a', apiKey: literal });
    expect(message).toContain('{ ssm: name }');
    expect(message).not.toContain(String(literal));
  });

  it.each([{ ssm: '/a' }, { secretsManager: 'arn:x', field: 'key' }, { env: 'KEY' }])(
    'takes %j as a reference to a secret',
    (reference) => {
      expect(parseConfig(schema, { index: 'a', apiKey: reference }, 'connector.sink')).toMatchObject({ apiKey: reference });
    },
  );

  it('says what is wrong inside a reference', () => {
    expect(problemsOf({ index: 'a', apiKey: { ssm: '/a', feild: 'x' } })).toEqual([
      'connector.sink.apiKey.feild: Unknown option "feild" in connector.sink.apiKey. Known options: ssm.',
    ]);
  });

  it('is not fooled by inherited names', () => {
    expect(problemsOf(JSON.parse('{"index":"a","__proto__":{"size":1}}'))).toHaveLength(1);
    expect(problemsOf({ index: 'a', constructor: 1 })).toHaveLength(1);
  });
});
