// A runtime client as Lambda's own is one: loads the handler, asks for invocations, answers them. Plain JavaScript, no dependencies.

import { existsSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const request = http.request(
      { host, port, method, path: `/2018-06-01/runtime/${path}`, agent, headers: { ...headers, ...length } },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString() }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function described(error) {
  return JSON.stringify({
    errorType: error?.name ?? 'Error',
    errorMessage: String(error?.message ?? error),
    trace: String(error?.stack ?? '').split('\n'),
  });
}

async function load() {
  const [, stem, name] = /^(.*\/?[^/.]+)\.([^/]+)$/.exec(process.env._HANDLER) ?? [];
  const file = ['.mjs', '.js', '.cjs']
    .map((extension) => join(process.env.LAMBDA_TASK_ROOT, stem + extension))
    .find((each) => existsSync(each));
  if (file === undefined) throw Object.assign(new Error(`Cannot find module '${stem}'`), { name: 'Runtime.ImportModuleError' });
  const handler = (await import(pathToFileURL(file).href))[name];
  if (typeof handler !== 'function')
    throw Object.assign(new Error(`${process.env._HANDLER} is not a function`), { name: 'Runtime.HandlerNotFound' });
  return handler;
}

let handler;
try {
  handler = await load();
} catch (error) {
  await call('POST', 'init/error', described(error), { 'Lambda-Runtime-Function-Error-Type': error.name });
  process.exit(1);
}
for (;;) {
  const { headers, body } = await call('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const context = {
    awsRequestId: id,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const answer = await handler(JSON.parse(body), context);
    await call('POST', `invocation/${id}/response`, JSON.stringify(answer ?? null));
  } catch (error) {
    await call('POST', `invocation/${id}/error`, described(error), { 'Lambda-Runtime-Function-Error-Type': error?.name ?? 'Error' });
  }
}
