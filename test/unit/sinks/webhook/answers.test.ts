import { describe, expect, it } from 'vitest';
import { type AnswerOptions, answerReader } from '../../../../lib/sinks/webhook/answers.ts';

const read = (options: Partial<AnswerOptions>, body: unknown, count: number) =>
  answerReader({ items: '', lists: 'all', ...options })(typeof body === 'string' ? body : JSON.stringify(body), count)?.map((answer) =>
    answer.is === 'status' ? answer.status : answer.is,
  );

describe('answerReader', () => {
  it('reads statuses, flags and errors at a path', () => {
    expect(read({ items: 'a.b', status: 's' }, { a: { b: [{ s: 200 }, { s: '429' }, { s: 422 }] } }, 3)).toEqual(['ok', 429, 422]);
    expect(read({ ok: 'ok' }, [{ ok: true }, { ok: false }, { ok: 'success' }, { ok: 'failed' }, {}], 5)).toEqual([
      'ok',
      'refused',
      'ok',
      'refused',
      'silent',
    ]);
    expect(read({ error: 'e' }, [{}, { e: null }, { e: 'bad' }, { e: { code: 1 } }, { e: '' }], 5)).toEqual([
      'ok',
      'ok',
      'refused',
      'refused',
      'ok',
    ]);
  });

  it('believes whatever speaks of a failure', () => {
    expect(
      read(
        { status: 's', ok: 'ok', error: 'e' },
        [
          { s: 200, ok: false },
          { s: 200, e: 'bad' },
          { s: 500, ok: true },
        ],
        3,
      ),
    ).toEqual(['refused', 'refused', 500]);
  });

  it('takes silence for nothing', () => {
    expect(read({ status: 's' }, [{}, 'x', null], 3)).toEqual(['silent', 'silent', 'silent']);
    expect(read({ status: 's', index: 'i' }, [{ i: 2, s: 200 }], 3)).toEqual(['silent', 'silent', 'ok']);
  });

  it('reads items in any order by their index, and the worse of two', () => {
    expect(
      read(
        { status: 's', index: 'i' },
        [
          { i: 1, s: 422 },
          { i: '0', s: 200 },
          { i: 1, s: 200 },
        ],
        2,
      ),
    ).toEqual(['ok', 422]);
  });

  it('reads a list of failures', () => {
    expect(
      read({ items: 'errors', lists: 'failures', index: 'i', status: 's' }, { errors: [{ i: 1, s: 429 }, { i: 2 }, { i: 3, s: 200 }] }, 5),
    ).toEqual(['unlisted', 429, 'refused', 'refused', 'unlisted']);
    expect(read({ items: 'errors', lists: 'failures', index: 'i' }, { errors: [] }, 2)).toEqual(['unlisted', 'unlisted']);
  });

  it.each([['not JSON'], [{}], [{ errors: 'none' }], ['null'], ['[{"s":200}]']])('makes nothing of %j', (body) => {
    expect(read({ items: typeof body === 'string' && body.startsWith('[') ? '' : 'errors', status: 's' }, body, 2)).toBeUndefined();
  });

  it('makes nothing of an index that was not sent', () => {
    for (const i of [2, -1, 0.5, 'x', null, undefined, '', ' ', [], [0], false, '0x0', { valueOf: 0 }])
      expect(read({ status: 's', index: 'i' }, [{ i, s: 200 }], 2)).toBeUndefined();
  });
});
