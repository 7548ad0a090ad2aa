// Gets the tarball of a package: fetch.mjs NAME SOURCE, where SOURCE is registry, installed or auto.
// The version is the one of package-lock.json. Writes package.tgz and fetched.json.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';

const [name, source] = process.argv.slice(2);
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { version, integrity } = lock.packages[`node_modules/${name}`];

// npm lies beside node; its cache is shared by the tasks of this graph, run after run.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` };
const options = [
  '--cache=.npm',
  '--prefer-offline',
  '--fetch-retries=0',
  '--ignore-scripts',
  '--no-update-notifier',
  '--silent',
];
const pack = (what) =>
  execFileSync('npm', ['pack', what, ...options], { env, encoding: 'utf8', timeout: 10_000 }).trim();

const fromRegistry = () => {
  const file = pack(`${name}@${version}`);
  const digest = createHash('sha512').update(readFileSync(file)).digest('base64');
  // A network that fails is no reason to stop; a tarball that is not the one locked is.
  if (`sha512-${digest}` !== integrity) throw new Error(`${file} is not the tarball of package-lock.json`);
  return { file, from: 'the registry, integrity as locked' };
};
const fromInstalled = () => ({ file: pack(`./node_modules/${name}`), from: 'node_modules' });

const fetch = () => {
  if (source === 'installed') return fromInstalled();
  try {
    return fromRegistry();
  } catch (error) {
    if (source === 'registry' || !('status' in error)) throw error;
    console.log('The registry does not answer; packing the installed copy.');
    return fromInstalled();
  }
};

const { file, from } = fetch();
renameSync(file, 'package.tgz');
const bytes = readFileSync('package.tgz').length;
writeFileSync('fetched.json', JSON.stringify({ name, version, from, bytes }));
console.log(`${name} ${version}: ${bytes} bytes from ${from}`);
