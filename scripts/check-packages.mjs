// Part of `npm run check`: lists the packages that we name ourselves with their versions, and all that run a script when
// they are installed. It fails on such a script that `allowScripts` of package.json does not know, whether it allows it
// or not, and on a version that is not pinned. All comes from the lock file: no registry is asked.
//   node scripts/check-packages.mjs [folder]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const { allowScripts = {} } = read('package.json');
const { packages } = read('package-lock.json');

const width = 116;
const marker = 'node_modules/';
const nameIn = (place) => place.slice(place.lastIndexOf(marker) + marker.length);

/** Packages of our own: the root, and the workspaces. */
const own = Object.entries(packages).filter(([place, { link }]) => !place.includes(marker) && !link);
const ownNames = new Set(own.map(([, { name }]) => name));

/** What our packages name, with what each asks for and what is installed for it. */
const direct = own.flatMap(([place, { dependencies, devDependencies, optionalDependencies }]) =>
  Object.entries({ ...devDependencies, ...optionalDependencies, ...dependencies })
    .filter(([name]) => !ownNames.has(name))
    .map(([name, wanted]) => {
      const found = packages[join(place, marker, name)] ?? packages[marker + name];
      return { name, wanted, version: found?.version };
    }),
);

const withScripts = Object.entries(packages)
  .filter(([, { hasInstallScript }]) => hasInstallScript)
  .map(([place, { version }]) => ({ name: nameIn(place), version }));

/** Each once, in order, in lines that fit. */
const listed = (heading, entries) => {
  const words = [...new Set(entries)].sort();
  const lines = [`${heading} (${words.length}):`];
  for (const word of words) {
    if (`${lines.at(-1)} ${word}`.length > width) lines.push(' ');
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.join('\n');
};

const isAllowed = ({ name }) => allowScripts[name] === true;
const labelOf = ({ name, version }) => `${name}@${version}`;
console.log(listed('direct dependencies', direct.map(labelOf)));
console.log(listed('install scripts that are allowed', withScripts.filter(isAllowed).map(labelOf)));
const others = withScripts.filter((one) => !isAllowed(one));
console.log(listed('install scripts that are not, where npm heeds allowScripts', others.map(labelOf)));

const names = new Set(withScripts.map(({ name }) => name));
const mistakes = [
  ...withScripts
    .filter(({ name }) => !(name in allowScripts))
    .map((one) => `${labelOf(one)} has an install script that allowScripts of package.json does not know`),
  ...Object.keys(allowScripts)
    .filter((name) => !names.has(name))
    .map((name) => `allowScripts of package.json knows ${name}, which has no install script`),
  ...direct
    .filter(({ wanted, version }) => wanted !== version)
    .map(({ name, wanted, version }) => `${name} is asked for as ${wanted}, and ${version} is installed`),
];
for (const mistake of new Set(mistakes)) console.error(mistake);
process.exitCode = mistakes.length === 0 ? 0 : 1;
