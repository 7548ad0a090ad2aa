// Type-checks a test against the declarations of its package: check-types.mjs TEST. Writes types.json.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const [test] = process.argv.slice(2);
const flags = [
  '--ignoreConfig --noEmit --allowJs --checkJs --strict --diagnostics',
  '--target es2023 --module nodenext --types node',
];
const args = [...flags.join(' ').split(' '), '--typeRoots', 'node_modules/@types', test];
const { status, stdout, stderr } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', ...args], {
  encoding: 'utf8',
});
process.stdout.write(stdout + stderr);
const numberAfter = (words) => Number(new RegExp(`^${words}:\\s*([\\d.]+)`, 'm').exec(stdout)?.[1] ?? 0);
writeFileSync(
  'types.json',
  JSON.stringify({
    files: numberAfter('Files'),
    lines: numberAfter('Lines'),
    seconds: numberAfter('Total time'),
  }),
);
process.exitCode = status ?? 1;
