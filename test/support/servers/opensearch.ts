import { compileJava, findJava, mavenProject } from './java.ts';
import { type SearchOptions, type SearchServer, startSearchNode } from './search-node.ts';

const NAME = 'OpenSearch 3.8.0';

/** Starts a real single-node OpenSearch without security. */
export async function startOpenSearch({ settings, ...options }: SearchOptions = {}): Promise<SearchServer> {
  const jdk = await findJava({ what: NAME, atLeast: 21, compiler: true });
  const project = await mavenProject('opensearch', NAME, ['pom.xml', 'OsNode.java'], (dir) =>
    compileJava(jdk, dir, 'OsNode.java', 'classes'),
  );
  const roles = { 'node.roles': 'cluster_manager,data,ingest' };
  return await startSearchNode(
    { name: NAME, jdk, project, mainClass: 'OsNode', modules: false },
    { ...options, settings: { ...roles, ...settings } },
  );
}
