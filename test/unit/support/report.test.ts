import { describe, expect, it } from 'vitest';
import { count } from '../../support/report.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test, title: 'needs kafka', fullName: 'worker needs kafka' })),
});

describe('the count of a test run', () => {
  it('adds up the tests of all files', () => {
    expect(count({ testResults: [file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed')] }, 1)).toMatchObject({
      passed: 3,
      failed: 1,
    });
  });

  it('counts a file that could not be loaded as a failure', () => {
    expect(count({ testResults: [file('passed', 'passed'), file('failed')] }, 1)).toMatchObject({ passed: 1, failed: 1 });
  });

  it('counts an error outside every test as a failure', () => {
    expect(count({ testResults: [file('passed', 'passed')] }, 1)).toMatchObject({ passed: 1, failed: 1 });
  });

  it('counts a run without a report as a failure', () => {
    expect(count(undefined, 1)).toMatchObject({ passed: 0, failed: 1 });
  });

  it('names what could not run', () => {
    expect(count({ testResults: [file('passed', 'skipped')] }, 0)).toEqual({ passed: 0, failed: 0, notRun: ['worker needs kafka'] });
  });
});
