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

  it('gives up opening when the time is over, and opens anew at the next write', async () => {
    const controller = new AbortController();
    const events: string[] = [];
    let release: (sink: Sink) => void = () => undefined;
    const late: Sink = { write: async () => [], close: async () => void events.push('close late') };
    const working: Sink = { write: async (records) => records.map(() => 'delivered') };
    const openings = [new Promise<Sink>((resolve) => (release = resolve)), Promise.resolve(working)];
    const sink = openedSink(() => openings.shift() as Promise<Sink>, fakeClock().sleep);
    const write = sink.write([record('a', 1)], { signal: controller.signal });
    const ready = sink.ready({ signal: controller.signal });
    controller.abort();
    await expect(write).rejects.toMatchObject({ class: 'retriable', code: 'OPEN_TIMEOUT' });
    await expect(ready).rejects.toMatchObject({ class: 'retriable' });
    expect(await sink.write([record('a', 1)], { signal })).toEqual(['delivered']);
    release(late);
    await new Promise(setImmediate);
    expect(events).toEqual(['close late']);
  });

  it('goes on opening for those who still have time', async () => {
    const controller = new AbortController();
    let release: (sink: Sink) => void = () => undefined;
    let openings = 0;
    const sink = openedSink(() => {
      openings++;
      return new Promise<Sink>((resolve) => (release = resolve));
    }, fakeClock().sleep);
    const hasty = sink.write([record('a', 1)], { signal: controller.signal });
    const patient = sink.write([record('a', 1)], { signal });
    controller.abort();
    await expect(hasty).rejects.toMatchObject({ class: 'retriable' });
    release({ write: async (records) => records.map(() => 'delivered') });
    expect(await patient).toEqual(['delivered']);
    expect(openings).toBe(1);
  });

  it('gives up a probe that does not answer', async () => {
    const controller = new AbortController();
    const sink = openedSink(async () => ({ write: async () => [], probe: () => new Promise(() => undefined) }), fakeClock().sleep);
    const probe = sink.probe?.({ signal: controller.signal });
    await sink.ready({ signal });
    controller.abort();
    await expect(probe).rejects.toMatchObject({ class: 'retriable' });
  });

  it('opens once more for all writes under way that were refused, with secrets read afresh', async () => {
    const { open, events } = opener((opened) => (opened === 1 ? unauthorized : 'delivered'));
    const sink = openedSink(open, fakeClock().sleep);
    const writes = [1, 2, 3].map((value) => sink.write([record('a', value)], { signal }));
    expect(await Promise.all(writes)).toEqual([['delivered'], ['delivered'], ['delivered']]);
    expect(events).toEqual(['open', 'close', 'open fresh']);
  });

  it('does not close a sink that was opened since for a write that hung on the one before', async () => {
    const events: string[] = [];
    const controllers = [new AbortController(), new AbortController()];
    let opened = 0;
    const open = async (): Promise<Sink> => {
      const number = ++opened;
      return {
        write: async (records) => (number === 1 ? await new Promise(() => undefined) : records.map(() => 'delivered')),
        close: async () => void events.push(`close ${number}`),
      };
    };
    const sink = openedSink(open, fakeClock().sleep);
    const hanging = controllers.map((controller) => sink.write([record('a', 1)], { signal: controller.signal }));
    await sink.ready({ signal });
    controllers[0]?.abort();
    await expect(hanging[0]).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await sink.write([record('a', 1)], { signal })).toEqual(['delivered']);
    controllers[1]?.abort();
    await expect(hanging[1]).rejects.toMatchObject({ code: 'ABORTED' });
    expect(events).toEqual(['close 1']);
    expect(opened).toBe(2);
  });

  it('knows identities while the sink is closed, and takes one that cannot be told for none', async () => {
    const controller = new AbortController();
    const open = async (): Promise<Sink> => ({
      identity: ({ key }) => {
        if (key === 'odd') throw new TypeError('odd');
        return String(key);
      },
      write: () => new Promise(() => controller.abort()),
    });
    const sink = openedSink(open, fakeClock().sleep);
    await expect(sink.write([record('a', 1)], { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(sink.identity?.(record('a', 1))).toBe('a');
    expect(sink.identity?.(record('odd', 1))).toBeNull();
  });

  it('reads secrets afresh when opening itself or a probe was refused', async () => {
    const events: boolean[] = [];
    const open = async ({ fresh }: { readonly fresh: boolean }): Promise<Sink> => {
      events.push(fresh);
      if (events.length === 1) throw unauthorized;
      const refusing = events.length === 2;
      return {
        write: async (records) => records.map(() => 'delivered'),
        async probe() {
          if (refusing) throw unauthorized;
        },
      };
    };
    const sink = openedSink(open, fakeClock().sleep);
    await sink.ready({ signal });
    await expect(sink.probe?.({ signal })).rejects.toBe(unauthorized);
    await sink.reopen({ signal });
    await sink.probe?.({ signal });
    await sink.reopen({ signal });
    expect(events).toEqual([false, true, true]);
  });
});
