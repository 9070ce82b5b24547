// What serverless.yml names: the plugin from its sources in the repository, compiled in the published package.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('./plugin.ts', import.meta.url));
const compiled = fileURLToPath(new URL('../../dist/plugin/plugin.js', import.meta.url));
// The framework loads plugins without waiting for them.
const { SluicePlugin } = createRequire(import.meta.url)(existsSync(source) ? source : compiled);

// biome-ignore lint/style/noDefaultExport: the framework asks for it
export default SluicePlugin;
