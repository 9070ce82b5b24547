import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compileJava, findJava, mavenProject } from './java.ts';
import { type SearchOptions, type SearchServer, startSearchNode } from './search-node.ts';

const run = promisify(execFile);
const NAME = 'Elasticsearch 9.5.3';

/** Starts a real single-node Elasticsearch, without security and with the few ingest processors that its jars lack. */
export async function startElasticsearch(options: SearchOptions = {}): Promise<SearchServer> {
  const jdk = await findJava({ what: NAME, atLeast: 21, compiler: true });
  const project = await mavenProject('elasticsearch', NAME, ['pom.xml', 'EsNode.java', 'MiniModules.java'], async (dir) => {
    await compileJava(jdk, dir, 'EsNode.java', 'classes');
    await compileJava(jdk, dir, 'MiniModules.java', 'build');
    // A module's class must come from the module's own folder: on the class path the node refuses it.
    const jar = ['--create', '--file', join('modules', 'mini-modules', 'mini-modules.jar'), '-C', 'build', '.'];
    await mkdir(join(dir, 'modules', 'mini-modules'), { recursive: true });
    await run(join(jdk.home, 'bin', 'jar'), jar, { cwd: dir });
  });
  return await startSearchNode({ name: NAME, jdk, project, mainClass: 'EsNode', modules: true }, options);
}
