// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how serverless.yml writes variables
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withFunction } from '../../../../lib/cli/scaffold/service-entry.ts';

const block = 'new-one:\n  handler: functions/new-one.handler\n  connector:\n    trigger: { topic: t } # why\n';

function added(text: string): string {
  return withFunction(text, 'serverless.yml', 'new-one', block);
}

describe('a function more in serverless.yml', () => {
  it('leaves every other line as it was, comments and odd spaces too', () => {
    const text = `# About this file
service:   shop   # its name

functions:
    # The first.
    orders:
        handler:   functions/orders.handler
        description: >
          folded

          text
        # about the end of orders

# Between functions and resources.
resources: {Resources: { }}   # none
`;
    expect(added(text)).toBe(
      text.replace(
        '        # about the end of orders\n',
        `        # about the end of orders

    new-one:
      handler: functions/new-one.handler
      connector:
        trigger: { topic: t } # why
`,
      ),
    );
  });

  it.each([
    ['no functions', 'service: shop # s\n'],
    ['an empty functions', 'service: shop # s\nfunctions:\nresources: {}\n'],
    ['functions in one line', 'service: shop # s\nfunctions: { a: { handler: a.b } }\n'],
    ['a function in one line', 'service: shop # s\nfunctions:\n  a: { handler: a.b }'],
    ['lines that end as on Windows', 'service: shop # s\r\nfunctions:\r\n  a:\r\n    handler: a.b\r\n'],
    ['functions that are not indented further down', 'service: shop # s\nfunctions:\n  a:\n    handler: |\n      a.b\n\n\n'],
  ])('finds its place with %s, comments kept', (_, text) => {
    const { functions = {}, ...rest } = parse(text) as { functions?: object };
    const after = added(text);
    expect(parse(after)).toEqual({ ...rest, functions: { ...functions, ...parse(block) } });
    expect(after).toContain('# s');
    expect(after).toContain('# why');
  });

  it('is an item more where functions are a list', () => {
    const after = added('functions:\n  - a: { handler: a.b } # first\n');
    expect(parse(after)).toEqual({ functions: [{ a: { handler: 'a.b' } }, parse(block)] });
    expect(after).toContain('# first');
  });

  it('is to be pasted where functions are in another file', () => {
    expect(() => added('functions: ${file(functions.yml)}\n')).toThrow(/are in another file. Add this there:\n\nnew-one:/);
  });

  it('needs a name of its own', () => {
    expect(() => added('functions:\n  new-one: { handler: a.b }\n')).toThrow('There is a function new-one');
    expect(() => added('functions:\n  - new-one: { handler: a.b }\n')).toThrow('There is a function new-one');
  });
});
