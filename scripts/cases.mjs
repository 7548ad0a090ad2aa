// `npm run cases`: tries small inputs that once showed a fault, each a program of its own, against a server of this checkout.
//   npm run cases                        every *.mjs of ../shared/cases
//   npm run cases -- <folder>            those of another folder
//   npm run cases -- nul-client zip      those whose name contains one of these texts
// A case gets ROOT_URL, CLIENT_ID and ACCESS_TOKEN, prints one line, and ends with 0 where the product is right.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const caseTimeoutMs = 180_000;
// The one that could end the server comes last.
const last = 'deep-payload';

const isFolder = (path) => existsSync(path) && statSync(path).isDirectory();
const given = process.argv.slice(2);
const folder = resolve(given.find(isFolder) ?? join(root, '../shared/cases'));
const filters = given.filter((argument) => !isFolder(argument));

const findCases = () => {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => basename(file, '.mjs'))
    .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)));
  return [...names.filter((name) => name !== last).sort(), ...names.filter((name) => name === last)];
};

const credentialsIn = (dataDir) => {
  const text = readFileSync(join(dataDir, 'credentials.env'), 'utf8');
  const variable = (name) => text.match(new RegExp(`^(?:export )?${name}=['"]?([^'"\\n]*)`, 'm'))?.[1];
  return { CLIENT_ID: variable('TASKCLUSTER_CLIENT_ID'), ACCESS_TOKEN: variable('TASKCLUSTER_ACCESS_TOKEN') };
};

/** Starts a server on a fresh data folder; it keeps its own log on our standard error. */
const startServer = async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskyard-cases-'));
  const program = join(root, 'packages/cli/bin/taskyard.js');
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--data', dataDir], {
    cwd: root,
    env: { ...process.env, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const rootUrl = await new Promise((found, failed) => {
    child.once('exit', (code, signal) =>
      failed(new Error(`The server ended at its start: ${signal ?? code}`)),
    );
    createInterface(child.stdout).on('line', (line) => {
      const [url] = line.match(/https?:\/\/[^\s/]+/) ?? [];
      if (url) found(url);
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { environment: { ROOT_URL: rootUrl, ...credentialsIn(dataDir) }, stop };
};

const runCase = async (name, environment) => {
  const startedAt = Date.now();
  // A group of its own: what a case starts must not outlive it.
  const child = spawn(process.execPath, [join(folder, `${name}.mjs`)], {
    cwd: root,
    detached: true,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const endGroup = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nothing of it is left.
    }
  };
  const timer = setTimeout(endGroup, caseTimeoutMs);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  endGroup();
  const line = said.trim().split('\n').at(-1);
  const figure = signal ? `ended by ${signal} after ${caseTimeoutMs / 1000} s: ${line}` : line;
  return { name, isRight: code === 0, seconds: (Date.now() - startedAt) / 1000, figure };
};

const rowOf = ({ name, isRight, seconds, figure }, width) =>
  `${isRight ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(6)} s  ${figure}`;

process.chdir(root);
const names = isFolder(folder) ? findCases() : [];
if (names.length === 0) {
  console.error(
    `No case in ${folder}${filters.length > 0 ? ` has a name with ${filters.join(' or ')}` : ''}.`,
  );
  process.exit(1);
}
const width = Math.max(...names.map((name) => name.length));
const server = await startServer();
const results = [];
try {
  for (const name of names) {
    results.push(await runCase(name, server.environment));
    console.log(rowOf(results.at(-1), width));
  }
} finally {
  await server.stop();
}
const failed = results.filter(({ isRight }) => !isRight);
console.log(`\n${results.length - failed.length} of ${results.length} cases pass.`);
process.exitCode = failed.length > 0 ? 1 : 0;
