import { randomUUID } from 'node:crypto';
import { escapeXml, Refusal } from './refusal.ts';
import type { ServiceRequest } from './request.ts';
import { FailedStatement, runStatement } from './statements.ts';
import { expectPartition, partitionValues, type Store, type Table } from './store.ts';
import type { Column } from './types.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

interface Instance {
  readonly failure?: string;
  /** How often its status was asked for. */
  polls: number;
}

export interface Metadata {
  /** Milliseconds are not needed to see a statement run: it is running when it is first looked at. */
  answer(request: ServiceRequest, body: Buffer): Answer;
  /** The statements that ran or failed, as they were sent. */
  readonly statements: string[];
}

/** The REST side of the service: what tables there are, and statements that change them. */
export function openMetadata(store: Store, tunnelAddress: () => string): Metadata {
  const instances = new Map<string, Instance>();
  const statements: string[] = [];
  return {
    statements,
    answer(request, body) {
      const { kind, project, schema, table = '', instance = '', query } = request;
      switch (kind) {
        case 'project':
          return xml(`<Project><Name>${escapeXml(project)}</Name><State>AVAILABLE</State><Properties/></Project>`);
        case 'discovery':
          return { status: 200, headers: { 'content-type': 'text/plain' }, body: tunnelAddress() };
        case 'table':
          return xml(describeTable(store.find(schema, table)));
        case 'partition': {
          const found = store.find(schema, table);
          const partition = expectPartition(found, query.get('partition'));
          const details = {
            createTime: 0,
            lastDDLTime: 0,
            lastModifiedTime: 0,
            partitionRecordNum: found.partitions.get(partition)?.length,
          };
          return xml(`<Partition><Schema><![CDATA[${JSON.stringify(details)}]]></Schema></Partition>`);
        }
        case 'partitions':
          return xml(
            `<Partitions><Marker/>${[...store.find(schema, table).partitions.keys()].map(describePartition).join('')}</Partitions>`,
          );
        case 'submit': {
          const id = randomUUID().replaceAll('-', '');
          const statement = readStatement(body.toString());
          statements.push(statement);
          const failure = failureOf(() => runStatement(store, project, statement));
          instances.set(id, { polls: 0, ...(failure === undefined ? {} : { failure }) });
          const location = `http://${tunnelAddress()}/api/projects/${project}/instances/${id}`;
          return { status: 201, headers: { location } };
        }
        case 'instance': {
          const found = instances.get(instance);
          if (found === undefined) throw new Refusal('NoSuchObject', 'ODPS-0410031:Instance not found');
          return xml(describeInstance(found, query));
        }
        default:
          throw new Refusal('MethodNotAllowed', `${kind} is nothing that metadata knows.`);
      }
    },
  };
}

function xml(body: string): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0"?>\n${body}` };
}

function describeTable({ name, columns, partitionKeys, schemaVersion }: Table): string {
  const describe = (column: Column) => ({
    name: column.name,
    type: column.declared,
    comment: '',
    label: '',
    isNullable: column.nullable,
    hasDefaultValue: false,
  });
  const details = {
    tableName: name,
    columns: columns.map(describe),
    partitionKeys: partitionKeys.map(describe),
    createTime: 0,
    lastDDLTime: schemaVersion,
    lastModifiedTime: 0,
    isVirtualView: false,
    lifecycle: -1,
    Reserved: JSON.stringify({ schema_version: String(schemaVersion), Transactional: 'false' }),
  };
  const schema = `<Schema format="Json"><![CDATA[${JSON.stringify(details)}]]></Schema>`;
  return `<Table><Name>${name}</Name><TableId>${name}-id</TableId><Owner>ALIYUN$sluice</Owner>${schema}</Table>`;
}

function describePartition(partition: string): string {
  const columns = Object.entries(partitionValues(partition));
  const inner = columns.map(([name, value]) => `<Column Name="${name}" Value="${escapeXml(value)}"/>`).join('');
  return `<Partition>${inner}<CreationTime>0</CreationTime><LastDDLTime>0</LastDDLTime><LastModifiedTime>0</LastModifiedTime></Partition>`;
}

function describeInstance(instance: Instance, query: ReadonlyMap<string, string>): string {
  const { failure } = instance;
  if (query.has('taskstatus')) {
    const status = failure === undefined ? 'SUCCESS' : 'FAILED';
    const task = `<Task Type="SQL"><Name>AnonymousSQLTask</Name><Status>${status}</Status></Task>`;
    return `<Instance><Status>Terminated</Status><Tasks>${task}</Tasks></Instance>`;
  }
  if (query.has('result')) {
    const text = Buffer.from(failure ?? '').toString('base64');
    const result = `<Result Format="text" Transform="Base64"><![CDATA[${text}]]></Result>`;
    return `<Instance><Tasks><Task Type="SQL"><Name>AnonymousSQLTask</Name>${result}</Task></Tasks></Instance>`;
  }
  instance.polls++;
  return `<Instance><Status>${instance.polls === 1 ? 'Running' : 'Terminated'}</Status></Instance>`;
}

/** The text of the query in the document of an instance, its CDATA sections joined. */
function readStatement(document: string): string {
  const inner = /<Query>(.*)<\/Query>/s.exec(document)?.[1];
  if (inner === undefined || !/<Instance>\s*<Job>/.test(document)) throw new Refusal('MalformedXML', 'Expected an instance with a query.');
  const sections = [...inner.matchAll(/<!\[CDATA\[(.*?)\]\]>/gs)].map(([, text = '']) => text);
  return sections.length > 0 ? sections.join('') : unescapeXml(inner);
}

function unescapeXml(text: string): string {
  const known: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => known[name] ?? '');
}

function failureOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof FailedStatement) return error.message;
    throw error;
  }
}
