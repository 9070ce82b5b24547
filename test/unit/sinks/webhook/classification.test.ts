import { describe, expect, it } from 'vitest';
import { type Circumstance, classifier, errorRules, statusRules } from '../../../../lib/sinks/webhook/classification.ts';

const standard = { success: ['200-299'], retry: [408, 425, 429, '500-599'] };
const meaning = (status: number, circumstances: Circumstance[] = [], lists: Parameters<typeof classifier>[0] = standard) =>
  classifier(lists)(status, new Set(circumstances)).means;

describe('classifier', () => {
  it.each([
    [200, 'delivered'],
    [207, 'delivered'],
    [302, 'config'],
    [400, 'refused'],
    [401, 'config'],
    [403, 'config'],
    [404, 'refused'],
    [405, 'config'],
    [408, 'retriable'],
    [409, 'refused'],
    [413, 'refused'],
    [415, 'config'],
    [422, 'refused'],
    [423, 'retriable'],
    [429, 'retriable'],
    [500, 'retriable'],
    [503, 'retriable'],
    [199, 'retriable'],
    [700, 'retriable'],
  ])('reads %i as %s', (status, expected) => {
    expect(meaning(status)).toBe(expected);
  });

  it('reads some statuses by what was sent', () => {
    expect([meaning(404, ['fixed-path']), meaning(410, ['fixed-path'])]).toEqual(['config', 'config']);
    expect([meaning(404, ['tombstone']), meaning(410, ['tombstone', 'fixed-path'])]).toEqual(['delivered', 'delivered']);
    expect(meaning(409, ['deduplicates'])).toBe('retriable');
  });

  it('lets the lists of the operator decide first', () => {
    const lists = { success: [200, 409], retry: [404, '502-504'] };
    expect([200, 201, 409, 404, 500, 503, 429].map((status) => meaning(status, ['fixed-path'], lists))).toEqual([
      'delivered',
      'retriable',
      'delivered',
      'retriable',
      'refused',
      'retriable',
      'refused',
    ]);
  });

  it('asks for fresh credentials after a refusal only', () => {
    const classify = classifier(standard);
    expect([401, 403, 407, 404, 405].map((status) => classify(status, new Set(['fixed-path'])).unauthorized ?? false)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('has a line in the reference for each rule', () => {
    expect(errorRules.length).toBeGreaterThan(statusRules.length);
    for (const { when, meaning } of errorRules) expect([when, meaning].every((text) => text.length > 3)).toBe(true);
  });
});
