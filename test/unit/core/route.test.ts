import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, DataError } from '../../../lib/core/errors.ts';
import { type RouterOptions, router } from '../../../lib/core/route.ts';
import { parseTemplate } from '../../../lib/core/template.ts';
import { record } from '../../support/records.ts';

const path = 'connector.sink.index';
const route = (text: string, options: Partial<RouterOptions> = {}) => router({ path, template: parseTemplate(text, path), ...options });
const to = (target: string, topic = 'quakes') => record('k', { a: 1 }, { topic, target });

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof DataError ? error.code : String(error);
  }
}

describe('router', () => {
  it('routes by a constant name and by topic without an allow-list', () => {
    expect(route('quakes')(record('k', {}))).toBe('quakes');
    expect(route('raw-{topic}')(record('k', {}, { topic: 'orders' }))).toBe('raw-orders');
  });

  it('lets a record choose names and prefixes of the allow-list, and nothing else', () => {
    const choose = route('quakes', { allow: ['strong', 'net-*'] });
    expect(choose(to('strong'))).toBe('strong');
    expect(choose(to('net-nc'))).toBe('net-nc');
    for (const target of ['stronger', 'net', '.security', '']) expect(codeOf(() => choose(to(target)))).toBe('TARGET_NOT_ALLOWED');
  });

  it('needs no permission for the name that the template gives anyway', () => {
    expect(route('quakes')(to('quakes'))).toBe('quakes');
    expect(codeOf(() => route('quakes')(to('other')))).toBe('TARGET_NOT_ALLOWED');
  });

  it('holds names made from fields to the allow-list as well', () => {
    const choose = route('net-{value.net}', { allow: ['net-n*'] });
    expect(choose(record('k', { net: 'nc' }))).toBe('net-nc');
    expect(codeOf(() => choose(record('k', { net: 'us' })))).toBe('TARGET_NOT_ALLOWED');
  });

  it('puts the target where the template says', () => {
    const choose = route('eu-{target}', { allow: ['eu-*'] });
    expect(choose(to('orders'))).toBe('eu-orders');
  });

  it('asks for an allow-list when records have a say', () => {
    expect(() => route('net-{value.net}')).toThrow(ConfigError);
    expect(() => route('net-{value.net}')).toThrow('Set it to the names or prefixes they may choose, e.g. ["net-*"]');
    expect(() => route('net-{value.net}', { allow: [] })).toThrow('connector.sink.allow');
  });

  it.each(['*', '', 'a*b', '**', 'a**'])('refuses the allow-list entry "%s"', (entry) => {
    expect(() => route('quakes', { allow: ['fine', entry] })).toThrow('connector.sink.allow[1]');
  });

  it.each(['a/../b', '..', './a', 'a/.', 'a\\b', 'a%2e', 'a%2Fb', 'a%5cb', 'a%00', 'a%252e', 'a\nb', 'a\u0000', 'a\u0085', 'a\ud800'])(
    'refuses the odd name %j even inside an allowed prefix',
    (name) => {
      expect(codeOf(() => route('x', { allow: ['a*', '.*'] })(to(name)))).toBe('TARGET_INVALID');
      if (!/[{}]/.test(name)) expect(() => route(name)).toThrow(ConfigError);
    },
  );

  it('refuses an empty constant', () => {
    expect(() => route('')).toThrow('Expected connector.sink.index to be a name, got empty text.');
  });

  it("applies the sink's own rules to constants when it opens and to records one by one", () => {
    const valid = (name: string) => name === name.toLowerCase() || 'lower case';
    expect(() => route('Quakes', { valid })).toThrow('Expected connector.sink.index to be lower case.');
    expect(codeOf(() => route('{topic}', { valid })(record('k', {}, { topic: 'Quakes' })))).toBe('TARGET_INVALID');
    expect(route('{topic}', { valid })(record('k', {}, { topic: 'quakes' }))).toBe('quakes');
  });

  it('stops at the cap, keeps the names it has, and does not count what was refused', () => {
    const choose = route('x', { allow: ['a*'], maxTargets: 2 });
    expect(codeOf(() => choose(to('b')))).toBe('TARGET_NOT_ALLOWED');
    expect(codeOf(() => choose(to('a..')))).toBe('TARGET_INVALID');
    expect([choose(to('a1')), choose(to('a2')), choose(to('a1'))]).toEqual(['a1', 'a2', 'a1']);
    expect(codeOf(() => choose(to('a3')))).toBe('TOO_MANY_TARGETS');
    expect(choose(to('a2'))).toBe('a2');
  });

  it('caps names by time, which producers set, but starts afresh each day', () => {
    let now = 0;
    const choose = route('q-{timestamp:yyyy-MM-dd}', { maxTargets: 2, now: () => now });
    const on = (day: number) => choose(record('k', {}, { timestamp: day * 86_400_000 }));
    expect([on(0), on(1)]).toEqual(['q-1970-01-01', 'q-1970-01-02']);
    expect(codeOf(() => on(2))).toBe('TOO_MANY_TARGETS');
    now = 86_400_000;
    expect(on(2)).toBe('q-1970-01-03');
  });

  it('does not cap topics, which the operator names', () => {
    const choose = route('{topic}', { maxTargets: 1 });
    expect(['a', 'b', 'c'].map((topic) => choose(record('k', {}, { topic })))).toEqual(['a', 'b', 'c']);
  });

  it('never lets any target or field out of the allow-list, never repeats it, and never passes the cap', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.stringMatching(/^safe-[a-z./%\\]{0,12}$/),
      fc.constantFrom('safe-%2e%2e/x', 'safe-../x', 'SAFE-a', '__proto__', 'constructor', 'exact', 'exactly'),
    );
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 40 }), fc.boolean(), (names, byField) => {
        const choose = route(byField ? '{value.name}' : 'fixed', { allow: ['exact', 'safe-*'], maxTargets: 5 });
        const reached = new Set<string>();
        for (const name of names) {
          try {
            reached.add(choose(byField ? record('k', { name }) : to(name)));
          } catch (error) {
            if (!(error instanceof DataError)) throw error;
            if (name.length > 20) expect(error.message).not.toContain(name);
          }
        }
        expect(reached.size).toBeLessThanOrEqual(5 + 1); // 'fixed' itself
        for (const name of reached) {
          expect(name === 'exact' || name === 'fixed' || name.startsWith('safe-')).toBe(true);
          expect(name).not.toMatch(/\.\.|\p{Cc}|%2e|%2f|\\/iu);
        }
      }),
    );
  });

  it('counts what records choose and not where time leads, when it is told to', () => {
    const template = parseTemplate('safe-{value.name}/{timestamp:HH}', path);
    const choose = router({ path, template, allow: ['safe-*'], maxTargets: 2, counts: 'choices' });
    const at = (name: string, hour: number) => choose(record('k', { name }, { timestamp: hour * 3_600_000 }));
    for (let hour = 0; hour < 24; hour++) expect(at('a', hour)).toMatch(/^safe-a/);
    expect(at('b', 0)).toBe('safe-b/00');
    expect(() => at('c', 0)).toThrow(/target number 3/);
    expect(() => at('..', 0)).toThrow(DataError);
    const steady = router({ path, template: parseTemplate('{timestamp:HH-mm}', path), maxTargets: 1, counts: 'choices' });
    for (let minute = 0; minute < 100; minute++) steady(record('k', {}, { timestamp: minute * 60_000 }));
  });
});
