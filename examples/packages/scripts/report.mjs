// Writes report.html from what the other tasks found: report.mjs NAME… (settings and files: see graph.yml).
import { readFileSync, writeFileSync } from 'node:fs';

const names = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const cached = read('cached.json');
const packages = names.map((name) => ({
  fetched: read(`${name}.fetched.json`),
  types: read(`${name}.types.json`),
  tests: read(`${name}.tests.json`),
  sizes: read(`${name}.sizes.json`),
  loads: {
    'default flags': read(`${name}.default.json`).plain,
    'default flags, minified': read(`${name}.default.json`).minified,
    '--jitless': read(`${name}.jitless.json`).plain,
    '--jitless, minified': read(`${name}.jitless.json`).minified,
    'V8 code cache': cached[name],
  },
}));

const escaped = (text) => String(text).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} kB`;
const cells = (values, tag = 'td') => values.map((value) => `<${tag}>${escaped(value)}</${tag}>`).join('');

const columns = [
  'package',
  'version',
  'tarball',
  'from',
  'type-checked',
  'tests',
  'bundle',
  'minified',
  'gzipped',
];
const row = ({ fetched, types, tests, sizes }) =>
  `<tr>${cells([
    fetched.name,
    fetched.version,
    kilobytes(fetched.bytes),
    fetched.from,
    `${types.files} files in ${types.seconds} s`,
    `${tests.passed} passed`,
    kilobytes(sizes.plain.bytes),
    kilobytes(sizes.minified.bytes),
    kilobytes(sizes.minified.gzipped),
  ])}</tr>`;

const longest = Math.max(...packages.flatMap(({ loads }) => Object.values(loads)));
const bar = ([setting, milliseconds], index) => {
  const y = index * 26;
  const width = Math.max(1, (milliseconds / longest) * 420);
  return `<text x="190" y="${y + 16}" text-anchor="end">${escaped(setting)}</text>
<rect x="200" y="${y}" width="${width.toFixed(1)}" height="20" rx="3"/>
<text x="${(208 + width).toFixed(1)}" y="${y + 16}">${milliseconds.toFixed(2)} ms</text>`;
};
const chart = ({ fetched, loads }) => {
  const bars = Object.entries(loads);
  return `<h3>${escaped(fetched.name)}</h3>
<svg viewBox="0 0 720 ${bars.length * 26}" role="img" aria-label="Load times of ${escaped(fetched.name)}">
${bars.map(bar).join('\n')}
</svg>`;
};

writeFileSync(
  'report.html',
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Packages, measured</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
  svg { width: 100%; max-width: 720px; font-size: 13px; }
  svg text { fill: currentColor; }
  svg rect { fill: #4a7bd0; }
</style>
<h1>Packages, measured</h1>
<table>
<thead><tr>${cells(columns, 'th')}</tr></thead>
<tbody>
${packages.map(row).join('\n')}
</tbody>
</table>
<h2>Time to load the whole bundle in a fresh process (Node ${escaped(process.version)})</h2>
${packages.map(chart).join('\n')}
</html>
`,
);
console.log(`report.html: ${names.length} packages`);
