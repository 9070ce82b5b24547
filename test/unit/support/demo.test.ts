import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { terminal } from '../../../lib/cli/terminal.ts';
import { startTargets } from '../../demo/more-targets.ts';
import { showReadBack } from '../../demo/read-back.ts';
import type { Target } from '../../demo/target.ts';
import { printedLines } from '../../demo/targets/console.ts';
import { MissingToolError } from '../../support/servers/java.ts';

function target(connector: string, total: number, stopped: string[] = []): Target {
  return {
    ...{ connector, label: 'a place', through: 'read somehow', env: {} },
    readBack: async () => ({ what: 'rows', total, different: 3, lines: [['from', 'quakes-0@7']] }),
    stop: async () => void stopped.push(connector),
  };
}

async function shown(targets: readonly Target[], folder: string): Promise<{ readonly unread: number; readonly text: string }> {
  let text = '';
  const out = terminal({ write: (written) => (text += written) }, {});
  const unread = await showReadBack(out, targets, new Set(['to-table']), folder);
  return { unread, text };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('targets of the demo', () => {
  it('run where one of them cannot, which is named, and stop together', async () => {
    const stopped: string[] = [];
    const lake = () => Promise.reject(new MissingToolError('go is not on the PATH. Install Go 1.25 or newer.'));
    const { targets, missing, stop } = await startTargets({ 'to-table': async () => target('to-table', 3, stopped), 'to-lake': lake });
    expect(targets.map(({ connector }) => connector)).toEqual(['to-table']);
    expect(missing).toMatchObject([{ connector: 'to-lake', error: { message: 'go is not on the PATH. Install Go 1.25 or newer.' } }]);
    await stop();
    expect(stopped).toEqual(['to-table']);
  });

  it('are shown beside what the start before found, and what is promised', async () => {
    const folder = await temporaryFolder();
    const first = await shown([target('to-table', 3), target('to-log', 3)], folder);
    expect(first.text).toContain('found         3 rows, from 3 different records\n    from          quakes-0@7\n');
    expect(first.text).not.toContain('the start before');
    const second = await shown([target('to-table', 3), target('to-log', 6)], folder);
    expect(second.text).toMatch(/to-table +rows +3 +3 +3 +once\n/);
    expect(second.text).toMatch(/to-log +rows +6 +3 +3 +at least once\n/);
  });

  it('that cannot be read are counted, and keep none of the others from being shown', async () => {
    const broken: Target = { ...target('to-search', 3), readBack: () => Promise.reject(new Error('It is gone.')) };
    const { unread, text } = await shown([broken, target('to-table', 3)], await temporaryFolder());
    expect(unread).toBe(1);
    expect(text).toContain('It is gone.');
    expect(text).toMatch(/to-table +rows +3 /);
  });

  it('on the console count a line that was printed twice as one record', () => {
    const line = 'M 5  98km ESE of Vanj, Tajikistan  (quakes-0@6)';
    expect(printedLines([line, line])).toMatchObject({ total: 2, different: 1 });
  });
});
