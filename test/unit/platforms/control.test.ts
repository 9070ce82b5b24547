import { describe, expect, it } from 'vitest';
import { type RunState, worstState } from '../../../lib/platforms/control.ts';

describe('the state of several', () => {
  it.each<readonly [readonly RunState[], RunState]>([
    [['running', 'running'], 'running'],
    [['running', 'blocked'], 'blocked'],
    [['paused', 'running'], 'partly paused'],
    [['paused', 'waiting'], 'waiting'],
    [['paused', 'paused'], 'paused'],
    [[], 'absent'],
  ])('%j is %s', (states, state) => {
    expect(worstState(states)).toBe(state);
  });
});
