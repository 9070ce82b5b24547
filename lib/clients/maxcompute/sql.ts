import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { ServiceError } from './service-error.ts';
import type { TableName } from './table.ts';
import { unexpected, xmlText } from './table.ts';

/** Adds a partition unless it is there, e.g. `pt=2026-03-04 05`, and waits until it is. */
export async function addPartition(client: Client, name: TableName, partition: string, signal: AbortSignal): Promise<void> {
  const table = [client.project, ...(name.schema === undefined ? [] : [name.schema])].join('.');
  const settings = name.schema === undefined ? {} : { 'odps.namespace.schema': 'true', 'odps.sql.allow.namespace.schema': 'true' };
  const query = `ALTER TABLE ${table}.\`${name.table}\` ADD IF NOT EXISTS PARTITION (${partition.split(',').map(literal).join(', ')});`;
  await runSql(client, query, settings, signal);
}

/** `column='value'`. Values may come from records: what could end a literal is refused, not escaped. */
function literal(level: string): string {
  const [, column, value] = /^(\w+)=([^,/'"`\\\p{Cc}]+)$/u.exec(level) ?? [];
  if (column === undefined) throw new ServiceError(400, { code: 'InvalidPartitionSpec' });
  return `\`${column}\`='${value}'`;
}

async function runSql(client: Client, query: string, settings: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const path = `/projects/${client.project}/instances`;
  const body = Buffer.from(jobXml(query, settings));
  const headers = { 'content-type': 'application/xml', 'content-length': String(body.length) };
  const { headers: answered } = await client.call({ service: 'odps', method: 'POST', path, headers, body, signal });
  const id = /\/instances\/([\w-]+)/.exec(answered.location ?? '')?.[1];
  if (id === undefined) return; // it is done already, with its result in the answer
  const ask = async (about?: string): Promise<string> => {
    const query = about === undefined ? {} : { [about]: '' };
    return (await client.call({ service: 'odps', method: 'GET', path: `${path}/${id}`, query, signal })).body.toString('utf8');
  };
  for (let waitMs = 100; !/<Status>\s*Terminated\s*<\/Status>/i.test(await ask('instancestatus')); waitMs = Math.min(waitMs * 2, 5_000))
    await sleep(waitMs, undefined, { signal });
  const statuses = [...(await ask('taskstatus')).matchAll(/<Task[\s>][\s\S]*?<Status>\s*(\w+)\s*<\/Status>/gi)].map(
    ([, status = '']) => status,
  );
  if (statuses.length === 0) throw unexpected();
  if (statuses.every((status) => status.toUpperCase() === 'SUCCESS')) return;
  const code = /\bODPS-\d{7}\b/.exec(resultText(await ask('result')))?.[0];
  throw new ServiceError(400, { code: code ?? 'StatementFailed' });
}

function resultText(xml: string): string {
  const [, attributes = '', inner = ''] = /<Result([^>]*)>([\s\S]*?)<\/Result>/.exec(xml) ?? [];
  const text = xmlText(inner).trim();
  return /Transform="Base64"/i.test(attributes) ? Buffer.from(text, 'base64').toString('utf8') : text;
}

function jobXml(query: string, settings: Readonly<Record<string, string>>): string {
  const property = (name: string, value: string): string => `<Property><Name>${name}</Name><Value>${xmlEscaped(value)}</Value></Property>`;
  const all = JSON.stringify({ 'odps.sql.type.system.odps2': 'true', ...settings });
  return (
    '<?xml version="1.0" encoding="utf-8"?><Instance><Job><Priority>9</Priority><Tasks><SQL><Name>AnonymousSQLTask</Name>' +
    `<Config>${property('uuid', randomUUID())}${property('settings', all)}</Config>` +
    `<Query><![CDATA[${query.replaceAll(']]>', ']]]]><![CDATA[>')}]]></Query></SQL></Tasks>` +
    '<DAG><RunMode>Sequence</RunMode></DAG></Job></Instance>'
  );
}

function xmlEscaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
