import { describe, expect, it } from 'vitest';
import { pausable } from '../../../../lib/platforms/worker/pausable.ts';
import type { Worker, WorkerEnd } from '../../../../lib/platforms/worker/worker.ts';
import { flush } from '../../../support/stepped-clock.ts';

function start(isPaused = false) {
  const stop = new AbortController();
  const memberships: { readonly signal: AbortSignal; end(end?: Partial<WorkerEnd>): void }[] = [];
  const begin = (signal: AbortSignal): Worker => {
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    memberships.push({ signal, end: (end) => resolve({ reason: 'stopped', isCommitted: true, ...end }) });
    return { ended: promise, status: () => ({ state: 'running', partitions: [], lag: 0 }) };
  };
  const worker = pausable({ begin, signal: stop.signal, isPaused });
  return { worker, memberships, stop: () => stop.abort() };
}

describe('a worker that can be paused', () => {
  it('is paused once its membership has ended, and not before', async () => {
    const { worker, memberships } = start();
    let isPaused = false;
    void worker.pause().then(() => {
      isPaused = true;
    });
    await flush();
    expect(memberships[0]?.signal.aborted).toBe(true);
    expect(isPaused).toBe(false);
    memberships[0]?.end();
    await flush();
    expect(isPaused).toBe(true);
    expect(worker.status().state).toBe('paused');
  });

  it('joins anew when it is resumed, and twice is once', async () => {
    const { worker, memberships } = start();
    const pausing = worker.pause();
    memberships[0]?.end();
    await pausing;
    await worker.pause();
    worker.resume();
    worker.resume();
    await flush();
    expect(memberships).toHaveLength(2);
    expect(worker.status().state).toBe('running');
  });

  it('goes on when it is resumed while it still drains', async () => {
    const { worker, memberships } = start();
    const pausing = worker.pause();
    worker.resume();
    memberships[0]?.end();
    await pausing;
    await flush();
    expect(memberships).toHaveLength(2);
  });

  it('begins paused when it was', async () => {
    const { worker, memberships, stop } = start(true);
    await flush();
    expect(memberships).toHaveLength(0);
    stop();
    expect(await worker.ended).toEqual({ reason: 'stopped', isCommitted: true });
  });

  it('ends as its membership does when nobody paused it', async () => {
    const { worker, memberships } = start();
    memberships[0]?.end({ reason: 'caught-up' });
    expect(await worker.ended).toMatchObject({ reason: 'caught-up' });
  });
});
