import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { originName } from '../../core/record.ts';
import type { CommandWorld } from '../dev.ts';
import type { Output } from '../terminal.ts';
import { counted, terminal } from '../terminal.ts';
import { type LetterFilter, letterFilter } from './filter.ts';
import { checkGroup } from './groups.ts';
import { type DlqFlags, onlyTopic, withDlq } from './open.ts';
import { letterJson } from './show.ts';
import { readLetters, readPlaces } from './topic.ts';

export interface ExportFlags extends DlqFlags, LetterFilter {
  /** UTF-8 as text instead of base64. */
  readonly text?: boolean;
  readonly out?: string;
}

const chunk = 500;

/** Writes letters as JSON lines, every letter that there is, replayed or not. Answers the exit code. */
export async function dlqExport(flags: ExportFlags, connector: string | undefined, world: CommandWorld): Promise<number> {
  return await withDlq(flags, connector, world, async (dlq) => {
    const isMeant = letterFilter(flags, Date.now());
    const topics = connector === undefined && flags.topic === undefined ? dlq.topics : [onlyTopic(dlq)];
    const sink = flags.out === undefined ? toOutput(world.stdout) : toFile(flags.out);
    let written = 0;
    for (const topic of topics) {
      const letters = await readLetters(
        dlq.inspector,
        topic,
        (each) => connector === undefined || each.connector === connector,
        world.signal,
      );
      if (topics.length === 1) checkGroup(flags.group, letters);
      const meant = letters.filter(isMeant);
      for (let start = 0; start < meant.length && !world.signal.aborted; start += chunk) {
        const some = meant.slice(start, start + chunk);
        const records = await readPlaces(
          dlq.inspector,
          some.map(({ place }) => place),
        );
        for (const letter of some) {
          const record = records.get(originName(letter.place));
          if (record === undefined) continue; // deleted by its retention meanwhile
          const journal = letter.connector === undefined ? undefined : await dlq.journal(letter.connector, topic);
          await sink.write(`${JSON.stringify(letterJson(letter, record, journal, flags.text === true ? 'text' : 'base64'))}\n`);
          written++;
        }
      }
    }
    await sink.end();
    if (flags.out !== undefined)
      terminal(world.stdout, world.env).line(
        flags.json === true
          ? JSON.stringify({ letters: written, file: flags.out })
          : `  ${counted(written, 'letter')} written to ${flags.out}`,
      );
    return world.signal.aborted ? 1 : 0;
  });
}

interface LineSink {
  write(line: string): Promise<void>;
  end(): Promise<void>;
}

function toOutput(output: Output): LineSink {
  return {
    write: async (line) => void output.write(line),
    end: async () => undefined,
  };
}

function toFile(file: string): LineSink {
  const stream = createWriteStream(file);
  const failed = once(stream, 'error').then(([error]) => {
    throw error;
  });
  failed.catch(() => undefined);
  return {
    async write(line) {
      if (!stream.write(line)) await Promise.race([once(stream, 'drain'), failed]);
    },
    async end() {
      stream.end();
      await Promise.race([once(stream, 'finish'), failed]);
    },
  };
}
