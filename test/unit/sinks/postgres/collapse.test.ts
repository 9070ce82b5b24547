import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../lib/core/config.ts';
import { joinRule, nextRound, rowOf } from '../../../../lib/sinks/postgres/collapse.ts';
import { options, type Settings, settingsOf } from '../../../../lib/sinks/postgres/options.ts';
import type { Row } from '../../../../lib/sinks/postgres/rows.ts';
import { record } from '../../../support/records.ts';

const settings = (config: object): Settings =>
  settingsOf(parseConfig(options, { host: 'h', primaryKey: ['id'], primaryKeyFrom: 'key', ...config }, 'c'));

function row(position: number, identity: string | null, more: Partial<Row> & { readonly partition?: number } = {}): Row {
  const { partition = 0, ...rest } = more;
  return {
    position,
    record: record(identity, {}, { offset: position, partition }),
    identity,
    certain: true,
    key: [],
    kind: 'value',
    bytes: undefined,
    cells: [],
    extra: null,
    shape: '',
    alone: false,
    ...rest,
  };
}

const names = (chains: readonly (readonly Row[])[]): number[][] => chains.map((chain) => chain.map(({ position }) => position));

describe('rows of one identity', () => {
  it('join while they follow each other in their partition', () => {
    const rows = [row(1, 'a'), row(2, 'b'), row(3, 'a'), row(0, 'a'), row(9, 'a'), row(5, null), row(6, null)];
    const { chains, later } = nextRound(
      rows,
      joinRule(settings({ write: 'upsert' }), () => undefined),
    );
    expect(names(chains)).toEqual([[1, 3], [2], [5], [6]]);
    expect(names([later])).toEqual([[0, 9]]);
  });

  it('of another partition wait for what the guard says', () => {
    const rows = [row(1, 'a'), row(2, 'a', { partition: 1 }), row(3, 'a')];
    const { chains, later } = nextRound(
      rows,
      joinRule(settings({ write: 'upsert' }), () => undefined),
    );
    expect([names(chains), names([later])]).toEqual([[[1]], [[2, 3]]]);
  });

  it('join by a field only while its order is sure', () => {
    const fields = [1, 2, 2, 1, 5];
    const rule = joinRule(settings({ write: 'upsert', guard: { field: 'f' } }), ({ position }) => fields[position]);
    const { chains, later } = nextRound(
      fields.map((_, position) => row(position, 'a')),
      rule,
    );
    expect([names(chains), names([later])]).toEqual([[[0, 1, 2]], [[3, 4]]]);
    const texts = joinRule(settings({ write: 'upsert', guard: { field: 'f' } }), ({ position }) => ['a', 'b'][position]);
    expect(nextRound([row(0, 'a'), row(1, 'a')], texts).later).toHaveLength(1);
  });

  it('are merged field by field for updates, the later one winning', () => {
    const update = settings({ write: 'update' });
    const chain = [
      row(0, 'a', { cells: ['1', undefined, 'x'] }),
      row(1, 'a', { cells: [undefined, null, undefined] }),
      row(2, 'a', { cells: ['3', undefined, undefined] }),
    ] as const;
    expect(rowOf(chain, update)).toMatchObject({ position: 2, cells: ['3', null, 'x'], shape: '-111' });
    expect(chain[0].cells).toEqual(['1', undefined, 'x']);
  });

  it('do not join a tombstone that came before an update, nor each other once one is to blame', () => {
    const rule = joinRule(settings({ write: 'update' }), () => undefined);
    expect(rule(row(0, 'a', { kind: 'tombstone' }), row(1, 'a'))).toBe(false);
    expect(rule(row(0, 'a'), row(1, 'a', { kind: 'tombstone' }))).toBe(true);
    expect(rule(row(0, 'a', { alone: true }), row(1, 'a'))).toBe(false);
    expect(rule(row(0, 'a'), row(1, 'a', { extra: '{}' }))).toBe(false);
  });

  it('are each in one chain or later, one chain per identity, in their order', () => {
    const arbitrary = fc.array(fc.record({ identity: fc.constantFrom('a', 'b', 'c', null), partition: fc.nat(1) }), { maxLength: 30 });
    fc.assert(
      fc.property(arbitrary, (inputs) => {
        const rows = inputs.map(({ identity, partition }, position) => row(position, identity, { partition }));
        const { chains, later } = nextRound(
          rows,
          joinRule(settings({ write: 'upsert' }), () => undefined),
        );
        expect([...names(chains).flat(), ...names([later]).flat()].toSorted((a, b) => a - b)).toEqual(rows.map(({ position }) => position));
        const identities = chains.map(([{ identity }]) => identity).filter((identity) => identity !== null);
        expect(new Set(identities).size).toBe(identities.length);
        for (const chain of names(chains)) expect(chain).toEqual(chain.toSorted((a, b) => a - b));
        // What waits comes after everything of its identity that does not.
        for (const { identity, position } of later)
          for (const chain of chains) if (chain[0].identity === identity) expect(position).toBeGreaterThan(chain.at(-1)?.position ?? -1);
      }),
    );
  });
});
