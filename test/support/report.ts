/** The part of vitest's JSON report that is counted. */
export interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string; readonly title: string }[];
  }[];
}

export interface Count {
  readonly passed: number;
  readonly failed: number;
  /** Full names of tests that were skipped because this machine lacks what they need. */
  readonly notRun: readonly string[];
}

/** Counts a run. A file that could not be loaded, a missing report and an error outside every test count as failures. */
export function count(report: Report | undefined, exitCode: number): Count {
  const files = report?.testResults ?? [];
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const failedTests = tests.filter(({ status }) => status === 'failed').length;
  const brokenFiles = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  ).length;
  const failed = failedTests + brokenFiles;
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    notRun: tests
      .filter(({ status, title }) => status !== 'passed' && status !== 'failed' && title.startsWith('needs '))
      .map(({ fullName }) => fullName),
  };
}
