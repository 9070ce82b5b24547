import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCommand } from '../../../lib/cli/commands/run.ts';

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly command: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

const root = new URL('../../../', import.meta.url);
const manifest = parse(readFileSync(new URL('docs/kubernetes.yaml', root), 'utf8'));
const pod = manifest.spec.template;
const [container]: [Container] = pod.spec.containers;
const option = (name: string): string | undefined => container.command[container.command.indexOf(name) + 1];

it('docs/kubernetes.yaml starts the worker with flags that it knows', () => {
  expect(container.command.slice(0, 3)).toEqual(['npx', 'sluice', 'run']);
  const known = Object.keys((runCommand as unknown as { parameters: { flags: object } }).parameters.flags).map(
    (name) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  );
  for (const word of container.command.filter((each) => each.startsWith('--'))) expect(known).toContain(word);
});

it('docs/kubernetes.yaml asks the port that the worker serves, from outside of the pod', () => {
  const [port] = container.ports;
  expect(option('--metrics-port')).toBe(String(port?.containerPort));
  expect(option('--metrics-host')).toBe('0.0.0.0');
  expect(pod.metadata.annotations['prometheus.io/port']).toBe(option('--metrics-port'));
  for (const probe of [container.livenessProbe, container.readinessProbe]) expect(probe.httpGet.port).toBe(port?.name);
  expect([container.livenessProbe.httpGet.path, container.readinessProbe.httpGet.path]).toEqual(['/healthz', '/readyz']);
});

it('docs/kubernetes.yaml lets a batch end before a pod is killed, and selects its own pods', () => {
  expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThan(120);
  expect(pod.metadata.labels).toMatchObject(manifest.spec.selector.matchLabels);
});
