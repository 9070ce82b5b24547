import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../lib/core/errors.ts';
import { type Continuity, continuity, type LastMirrored, type Logs } from '../../../../lib/sinks/kafka-topic/continuity.ts';
import { record } from '../../../support/records.ts';

interface World {
  first?: number;
  next?: number;
  mirrored?: LastMirrored;
  topicId?: string;
  isAllLooping?: boolean;
}

/** One partition, `orders-0`, as the two clusters have it. */
function logs({ first = 0, next = 1_000_000, mirrored, topicId, isAllLooping = false }: World): Logs & { readonly asked: string[] } {
  const asked: string[] = [];
  const ask = <Answer>(name: string, answer: Answer): Answer => {
    asked.push(name);
    return answer;
  };
  return {
    asked,
    topicId: () => topicId,
    first: async () => ask('first', new Map([[0, first]])),
    next: async () => ask('next', new Map([[0, next]])),
    isAllLooping: async () => ask('isAllLooping', isAllLooping),
    lastMirrored: async () => ask('lastMirrored', new Map(mirrored === undefined ? [] : [['orders-0', mirrored]])),
  };
}

const batch = (...offsets: number[]) => offsets.map((offset) => record('k', offset, { offset }));
const check = async (mirror: Continuity, offsets: readonly number[], world: World = {}) => {
  const error = (await mirror.check(batch(...offsets), logs(world))).get('orders-0');
  if (error !== undefined) expect(error).toBeInstanceOf(ConfigError);
  return error?.code;
};
const at = (offset: number, topicId?: string): LastMirrored => ({ offset, topicId });

describe('continuity of a mirror', () => {
  it('asks nobody while offsets follow each other', async () => {
    const mirror = continuity({});
    await check(mirror, [0, 1, 2]);
    const world = logs({});
    await mirror.check(batch(3, 4, 5), world);
    expect(world.asked).toEqual([]);
  });

  it('begins wherever the group begins when nothing was mirrored before', async () => {
    expect(await check(continuity({}), [500, 501], { first: 500 })).toBeUndefined();
  });

  it('takes a hole for legal while the source still has what is around it', async () => {
    const mirror = continuity({});
    expect(await check(mirror, [0, 1, 2])).toBeUndefined();
    expect(await check(mirror, [5, 9], { first: 0 })).toBeUndefined();
    expect(await check(mirror, [20], { first: 10 })).toBeUndefined();
  });

  it('looks at every hole of a batch, also behind one that is accepted', async () => {
    const mirror = continuity({ 'orders-0': 5 });
    await check(mirror, [0, 1, 2]);
    expect(await check(mirror, [5, 50], { first: 50, mirrored: at(2) })).toBe('SOURCE_GAP');
  });

  it('stops when the source deleted records that came but were not written', async () => {
    const mirror = continuity({});
    await check(mirror, [0, 1, 2, 3, 4]);
    for (const missed of batch(1, 2, 3, 4)) mirror.missed(missed);
    expect(await check(mirror, [1, 2, 3, 4])).toBeUndefined();
    for (const missed of batch(1, 2, 3, 4)) mirror.missed(missed);
    expect(await check(mirror, [3, 4], { first: 3, mirrored: at(0) })).toBe('SOURCE_GAP');
  });

  it('stops when the source begins after what was mirrored last, again and again, and says what to set', async () => {
    const mirror = continuity({});
    await check(mirror, [0, 1, 2]);
    for (let attempt = 0; attempt < 3; attempt++) {
      const refused = await mirror.check(batch(50, 51), logs({ first: 50, mirrored: at(2) }));
      expect(refused.get('orders-0')?.code).toBe('SOURCE_GAP');
      expect(refused.get('orders-0')?.message).toContain('offsets 3 to 49');
      expect(refused.get('orders-0')?.message).toContain('{ "orders-0": 50 }');
    }
  });

  it('finds the gap after a restart too, from what the target has', async () => {
    expect(await check(continuity({}), [50], { first: 50, mirrored: at(2) })).toBe('SOURCE_GAP');
    expect(await check(continuity({}), [3], { first: 3, mirrored: at(2) })).toBeUndefined();
  });

  it('goes on where another instance has mirrored what is missing here', async () => {
    const mirror = continuity({});
    await check(mirror, [0, 1, 2]);
    expect(await check(mirror, [100], { first: 60, mirrored: at(99) })).toBeUndefined();
  });

  it('does not miss what went round, which is not in the target', async () => {
    expect(await check(continuity({}), [100], { first: 50, mirrored: at(2), isAllLooping: true })).toBeUndefined();
    expect(await check(continuity({}), [100], { first: 50, mirrored: at(2), isAllLooping: false })).toBe('SOURCE_GAP');
  });

  it('accepts a gap up to the offset that was written down, and not one that grew', async () => {
    expect(await check(continuity({ 'orders-0': 50 }), [50], { first: 50, mirrored: at(2) })).toBeUndefined();
    expect(await check(continuity({ 'orders-0': 50 }), [60], { first: 60, mirrored: at(2) })).toBe('SOURCE_GAP');
  });

  it('takes redelivery for what it is', async () => {
    const mirror = continuity({});
    await check(mirror, [0, 1, 2, 3]);
    expect(await check(mirror, [1, 2, 3, 4], { next: 5 })).toBeUndefined();
    expect(await check(continuity({}), [0, 1], { next: 5, mirrored: at(4) })).toBeUndefined();
  });

  it('stops when the source is shorter than what was mirrored of it', async () => {
    const mirror = continuity({});
    await check(mirror, [0, 1, 2, 3]);
    expect(await check(mirror, [0, 1], { next: 2 })).toBe('SOURCE_RECREATED');
    expect(await check(continuity({}), [0], { next: 1, mirrored: at(40) })).toBe('SOURCE_RECREATED');
  });

  it('knows a topic that was created again by its id, although offsets go on', async () => {
    expect(await check(continuity({}), [41], { mirrored: at(40, 'old'), topicId: 'new' })).toBe('SOURCE_RECREATED');
    const mirror = continuity({});
    expect(await check(mirror, [41], { topicId: 'old' })).toBeUndefined();
    for (let attempt = 0; attempt < 2; attempt++) expect(await check(mirror, [42], { topicId: 'new' })).toBe('SOURCE_RECREATED');
    expect(await check(continuity({}), [41], { mirrored: at(40, 'same'), topicId: 'same' })).toBeUndefined();
  });

  it('leaves replayed dead letters out of it', async () => {
    const mirror = continuity({});
    await check(mirror, [0, 1, 2]);
    const replay = { ...record('k', 1, { offset: 7 }), version: { topic: 'orders', partition: 0, offset: 1, epoch: 0 } };
    const world = logs({ first: 5 });
    expect((await mirror.check([replay], world)).size).toBe(0);
    expect(world.asked).toEqual([]);
  });

  it('lets other partitions go on', async () => {
    const refused = await continuity({}).check(
      [...batch(50), record('k', 1, { partition: 1, offset: 50 })],
      logs({ first: 50, mirrored: at(2) }),
    );
    expect([...refused.keys()]).toEqual(['orders-0']);
  });

  it('never stops for holes and redelivery of a source that lost nothing, and always for a loss', async () => {
    const steps = fc.array(fc.integer({ min: -3, max: 4 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 50 }), async (moves, lost) => {
        const mirror = continuity({});
        let last = 10;
        let highest = 10;
        for (const move of moves) {
          last = Math.max(0, last + (move === 0 ? 1 : move));
          highest = Math.max(highest, last);
          expect(await check(mirror, [last], { first: 0, next: highest + 1 })).toBeUndefined();
        }
        const from = last + 1;
        expect(await check(mirror, [from + lost], { first: from + lost, next: from + lost + 1, mirrored: at(last) })).toBe('SOURCE_GAP');
      }),
    );
  });
});
