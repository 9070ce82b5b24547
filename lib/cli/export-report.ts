import { topicsOf } from '../core/settings.ts';
import { closesSooner, type ExportedConnector, functionName } from '../platforms/fc/template.ts';
import type { CommandWorld } from './dev.ts';
import { deployVariables } from './export-environment.ts';
import { tableLines } from './table.ts';
import { counted, terminal } from './terminal.ts';

/** What was written, and where. */
export interface ExportReport {
  readonly out: string;
  readonly connectors: readonly (ExportedConnector & { readonly bytes: number; readonly groups: readonly string[] })[];
}

/** Prints what was written, what will happen there that serverless.yml does not say, and what to do next. */
export function printExport({ out: folder, connectors }: ExportReport, json: boolean, world: CommandWorld): void {
  const out = terminal(world.stdout, world.env);
  const variables = [...new Set(connectors.flatMap(({ environment }) => deployVariables(environment)))].sort();
  const notes = notesOn(connectors);
  if (json) {
    const exported = connectors.map(({ name, settings, code, bytes, groups }) => ({
      ...{ connector: name.connector, functionName: functionName(name), topics: topicsOf(settings), groups, code, bytes },
    }));
    out.line(JSON.stringify({ out: folder, connectors: exported, deployVariables: variables, notes }, null, 2));
    return;
  }
  out.line(`  ${out.style('bold', folder)}   s.yaml and ${counted(connectors.length, 'package')}`);
  out.line();
  const rows = connectors.map(({ name, settings, bytes }) => [
    name.connector,
    topicsOf(settings).join(', '),
    functionName(name),
    `${(bytes / 1_000_000).toFixed(1)} MB`,
  ]);
  for (const line of tableLines(['connector', 'topics', 'function', 'package'], rows)) out.line(`  ${line}`);
  out.line();
  for (const note of notes) out.line(`  ${note}`);
  out.line();
  out.line('  Next:');
  out.line(`    create these consumer groups on the instance: ${connectors.flatMap(({ groups }) => groups).join(', ')}`);
  if (variables.length > 0) out.line(`    export ${variables.map((variable) => `${variable}=…`).join(' ')}`);
  out.line(`    cd ${folder} && s deploy`);
}

function notesOn(connectors: ExportReport['connectors']): string[] {
  const stopping = connectors.filter(({ options }) => options.errorsTolerance === 'NONE');
  const giving = connectors.filter(({ options }) => options.errorsTolerance === 'ALL');
  const sooner = connectors.filter(({ settings }) => closesSooner(settings));
  const bare = connectors.filter(({ options }) => options.role === undefined);
  const list = (each: readonly ExportedConnector[]): string => each.map(({ name }) => name.connector).join(', ');
  return [
    ...(stopping.length === 0
      ? []
      : [
          'A batch that fails is tried again for a day, at last every 512 s. Then its trigger stops, and nothing is skipped: resume it in the console.',
        ]),
    ...(giving.length === 0
      ? []
      : [
          `${list(giving)}: after its last try the trigger sends a batch to the deadLetterQueue and goes on, also while the target is down.`,
        ]),
    ...(sooner.length === 0 ? [] : [`${list(sooner)}: the trigger waits 15 s for a full batch, not longer.`]),
    ...(bare.length === 0
      ? []
      : [`${list(bare)}: without sluice.fc.role the function has no credentials of its own for OSS and MaxCompute.`]),
  ];
}
