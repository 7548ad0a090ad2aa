// TypeBox comes in 700 files, which Node would look for, open and link at each start of a process: that took a third of
// the time in which the server is loaded. What is compiled imports it from one file instead.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesIn } from './compress.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const library = join(root, 'node_modules/typebox');

/** The packages that use it. Their `imports` in package.json name the files that are written here. */
const users = ['server', 'worker'];

const banner = () => {
  const { version } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'));
  return `/* TypeBox ${version}\n\n${readFileSync(join(library, 'license'), 'utf8').trim()}\n*/`;
};

const bundle = async (folder, first) => {
  const target = join(folder, 'typebox.js');
  if (existsSync(target) && readFileSync(target, 'utf8').startsWith(first)) return;
  const { build } = await import('esbuild');
  const contents = "export * from 'typebox'; export { default as Value } from 'typebox/value';";
  await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    format: 'esm',
    platform: 'node',
    legalComments: 'none',
    banner: { js: first },
    outfile: target,
    logLevel: 'error',
  });
  writeFileSync(join(folder, 'typebox-value.js'), "export { Value as default } from './typebox.js';\n");
};

/** After each compilation: bundles the library where its version has changed, and redirects the imports of it. */
export const buildTypebox = async () => {
  for (const name of users) {
    const folder = join(root, 'packages', name, 'dist');
    if (!existsSync(folder)) continue;
    await bundle(folder, banner());
    for (const path of filesIn(folder, /(?<!^typebox|^typebox-value)\.js$/)) {
      const text = readFileSync(path, 'utf8');
      const redirected = text.replaceAll(/from 'typebox(\/value)?'/g, "from '#typebox$1'");
      if (redirected !== text) writeFileSync(path, redirected);
    }
  }
};
