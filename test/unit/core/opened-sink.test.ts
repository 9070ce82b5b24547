import { describe, expect, it } from 'vitest';
import { ConfigError, RetriableError } from '../../../lib/core/errors.ts';
import { openedSink } from '../../../lib/core/opened-sink.ts';
import type { Outcome, Sink } from '../../../lib/core/sink.ts';
import { fakeClock } from '../../support/clock.ts';
import { record } from '../../support/records.ts';

const { signal } = new AbortController();
const unauthorized = new ConfigError('SINK_UNAUTHORIZED', 'The password is wrong.', { unauthorized: true });

/** Opens sinks that answer as told, and keeps book of how they were opened and closed. */
function opener(answer: (opened: number) => Outcome, { thrown = false } = {}) {
  const events: string[] = [];
  let opened = 0;
  const open = async ({ fresh }: { readonly fresh: boolean }): Promise<Sink> => {
    const number = ++opened;
    events.push(fresh ? 'open fresh' : 'open');
    return {
      async write(records) {
        const outcome = answer(number);
        if (thrown && typeof outcome !== 'string') throw outcome;
        return records.map(() => outcome);
      },
      async close() {
        events.push('close');
      },
    };
  };
  return { open, events };
}

describe('openedSink', () => {
  it('opens once for many writes', async () => {
    const { open, events } = opener(() => 'delivered');
    const sink = openedSink(open, fakeClock().sleep);
    await sink.write([record('a', 1)], { signal });
    await sink.write([record('a', 1)], { signal });
    expect(events).toEqual(['open']);
  });

  it.each([false, true])('reads a rotated secret by opening once more, and writes again what was refused (thrown: %s)', async (thrown) => {
    const { open, events } = opener((opened) => (opened === 1 ? unauthorized : 'delivered'), { thrown });
    expect(await openedSink(open, fakeClock().sleep).write([record('a', 1), record('b', 2)], { signal })).toEqual([
      'delivered',
      'delivered',
    ]);
    expect(events).toEqual(['open', 'close', 'open fresh']);
  });

  it('does not open again and again while the secret is wrong', async () => {
    const { open, events } = opener(() => unauthorized);
    const sink = openedSink(open, fakeClock().sleep);
    expect(await sink.write([record('a', 1)], { signal })).toEqual([unauthorized]);
    expect(await sink.write([record('a', 1)], { signal })).toEqual([unauthorized]);
    expect(events).toEqual(['open', 'close', 'open fresh']);
  });

  it('tries again at the next write when opening failed', async () => {
    let attempts = 0;
    const open = async (): Promise<Sink> => {
      if (attempts++ === 0) throw new RetriableError('DOWN', 'down');
      return { write: async (records) => records.map(() => 'delivered') };
    };
    const sink = openedSink(open, fakeClock().sleep);
    await expect(sink.write([record('a', 1)], { signal })).rejects.toThrow('down');
    expect(await sink.write([record('a', 1)], { signal })).toEqual(['delivered']);
  });

  it('abandons a write that outlives its signal, and closes its sink', async () => {
    const events: string[] = [];
    const controller = new AbortController();
    const open = async (): Promise<Sink> => ({
      write: () => new Promise(() => controller.abort()),
      close: async () => void events.push('close'),
    });
    const write = openedSink(open, fakeClock().sleep).write([record('a', 1)], { signal: controller.signal });
    await expect(write).rejects.toMatchObject({ code: 'ABORTED', class: 'retriable' });
    expect(events).toEqual(['close']);
  });
});
