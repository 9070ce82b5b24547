/** What a page asks its reader to do, in order. */
export type Step =
  | { readonly kind: 'run'; readonly command: string; readonly output: readonly string[]; readonly exitCode: number; readonly line: number }
  | { readonly kind: 'write'; readonly file: string; readonly text: string; readonly line: number }
  | { readonly kind: 'yaml'; readonly file: string; readonly text: string; readonly isThere: boolean; readonly line: number };

const exitCodeLine = /^# exit code (\d+)$/;

/** The steps of a Markdown page. Throws for a code block that is none, so that no block goes untested. */
export function stepsOf(markdown: string): Step[] {
  const steps: Step[] = [];
  for (const match of markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    const [, language = '', body = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length + 1;
    if (language === 'console') steps.push(...commandsOf(body, line));
    else {
      const [first = '', ...rest] = body.split('\n');
      const [, file, remark] = /^(?:\/\/|#) (\S+\.\w+)(, as it is)?$/.exec(first) ?? [];
      if (file === undefined || !['ts', 'yaml'].includes(language))
        throw new Error(`The block at line ${line} is neither console nor a named file.`);
      const text = rest.join('\n');
      steps.push(
        language === 'ts' ? { kind: 'write', file, text, line } : { kind: 'yaml', file, text, isThere: remark !== undefined, line },
      );
    }
  }
  return steps;
}

function commandsOf(body: string, line: number): Step[] {
  const steps: { kind: 'run'; command: string; output: string[]; exitCode: number; line: number }[] = [];
  for (const [index, text] of body.trimEnd().split('\n').entries()) {
    const exitCode = exitCodeLine.exec(text)?.[1];
    const last = steps.at(-1);
    if (text.startsWith('$ ')) steps.push({ kind: 'run', command: text.slice(2), output: [], exitCode: 0, line: line + index });
    else if (last === undefined) throw new Error(`Expected a command at line ${line + index}.`);
    else if (exitCode !== undefined) last.exitCode = Number(exitCode);
    else last.output.push(text);
  }
  return steps;
}

/** Whether a command printed what the page shows: `…` alone is any lines, within a line any text. Where the page shows nothing, nothing is printed. */
export function isShown(printed: string, shown: readonly string[]): boolean {
  const pattern = lines(shown.join('\n'))
    .map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escaped).join('.*')}\\n`))
    .join('');
  const text = lines(printed).map((line) => `${line}\n`);
  return new RegExp(`^${pattern}$`).test(text.join(''));
}

/** Without what nobody sees: empty lines at the ends, spaces at the end of a line. */
function lines(text: string): string[] {
  const trimmed = text.replaceAll(/[ \t]+$/gm, '').replaceAll(/^\n+|\n+$/g, '');
  return trimmed === '' ? [] : trimmed.split('\n');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
