import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from './cache.ts';

const run = promisify(execFile);

export interface Certificates {
  /** The folder with ca.crt, broker.pem (key, certificate, CA), broker.key, broker.crt, client.key, client.crt, stranger.crt. */
  readonly dir: string;
  readonly ca: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** A CA that signed nothing here: for the failure of an unknown CA. */
  readonly strangerCa: string;
}

/** Certificates for localhost and 127.0.0.1, made once with openssl. */
export async function certificates(): Promise<Certificates> {
  const dir = await cached({ name: 'certificates', inputs: [build.toString(), authority.toString(), leaf.toString()], build });
  const read = (file: string) => readFile(join(dir, file), 'utf8');
  const [ca, clientCert, clientKey, strangerCa] = await Promise.all([
    read('ca.crt'),
    read('client.crt'),
    read('client.key'),
    read('stranger.crt'),
  ]);
  return { dir, ca, clientCert, clientKey, strangerCa };
}

async function build(dir: string): Promise<void> {
  await authority(dir, 'ca');
  await authority(dir, 'stranger');
  await leaf(dir, 'broker', '/CN=localhost', 'DNS:localhost,IP:127.0.0.1', 'serverAuth');
  await leaf(dir, 'client', '/CN=test-client', 'DNS:test-client', 'clientAuth');
  const parts = await Promise.all(['broker.key', 'broker.crt', 'ca.crt'].map((file) => readFile(join(dir, file), 'utf8')));
  await writeFile(join(dir, 'broker.pem'), parts.join(''), { mode: 0o600 });
}

async function authority(dir: string, name: string): Promise<void> {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', `/CN=test-${name}`, ...files], {
    cwd: dir,
  });
}

async function leaf(dir: string, name: string, subject: string, alternatives: string, usage: string): Promise<void> {
  const extensions = `${name}.ext`;
  await writeFile(join(dir, extensions), `subjectAltName=${alternatives}\nextendedKeyUsage=${usage}\n`);
  await run('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`], {
    cwd: dir,
  });
  const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '3650'];
  await run('openssl', ['x509', '-req', '-in', `${name}.csr`, ...signer, '-out', `${name}.crt`, '-extfile', extensions], { cwd: dir });
}
