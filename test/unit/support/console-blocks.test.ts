import { describe, expect, it } from 'vitest';
import { isShown, stepsOf } from '../../support/docs/console-blocks.ts';

describe('the steps of a page', () => {
  it('are its commands with what they print, and its files', () => {
    const page =
      'A.\n\n```console\n$ one\nout\n  more\n# exit code 1\n$ two\n```\n\n```ts\n// functions/a.ts\nexport {};\n```\n\n```yaml\n# serverless.yml, as it is\na: 1\n```\n';
    expect(stepsOf(page)).toEqual([
      { kind: 'run', command: 'one', output: ['out', '  more'], exitCode: 1, line: 4 },
      { kind: 'run', command: 'two', output: [], exitCode: 0, line: 8 },
      { kind: 'write', file: 'functions/a.ts', text: 'export {};\n', line: 12 },
      { kind: 'yaml', file: 'serverless.yml', text: 'a: 1\n', isThere: true, line: 17 },
    ]);
  });

  it.each(['```sh\nrm -rf /\n```', '```ts\nexport {};\n```', '```\nplain\n```', '```console\nno command\n```'])(
    'are all there is: %j is refused',
    (page) => {
      expect(() => stepsOf(`${page}\n`)).toThrow(/line 2/);
    },
  );
});

describe('what a command printed', () => {
  it.each([
    ['all of it', 'a\n b\n', ['a', ' b'], true],
    ['with other lines between', 'a\nx\ny\nb\n', ['a', '…', 'b'], true],
    ['with no line in their place', 'a\nb\n', ['a', '…', 'b'], true],
    ['with another text within a line', 'took 3 s\n', ['took … s'], true],
    ['not with a line more', 'a\nx\nb\n', ['a', 'b'], false],
    ['not with a line less', 'a\n', ['a', 'b'], false],
    ['not with other spaces in front', 'a\n  b\n', ['a', ' b'], false],
    ['not with something where nothing is shown', 'a\n', [], false],
    ['with nothing where nothing is shown', '\n', [], true],
    ['with signs that mean something to patterns', '1 → (2) [3] *\n', ['1 → (2) [3] *'], true],
  ])('is shown %s', (_, printed, shown, expected) => {
    expect(isShown(printed, shown)).toBe(expected);
  });
});
