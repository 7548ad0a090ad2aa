// Bundles a package whole, as it is and minified: bundle.mjs NAME CHECKOUT.
// Writes bundle.cjs, bundle.min.cjs and sizes.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const [name, checkout] = process.argv.slice(2);
const { build } = await import(pathToFileURL(join(checkout, 'node_modules/esbuild/lib/main.js')).href);

const bundle = async (outfile, minify) => {
  await build({
    stdin: { contents: `export * from '${name}';`, resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minify,
    outfile,
  });
  const bytes = readFileSync(outfile);
  return { bytes: bytes.length, gzipped: gzipSync(bytes).length };
};

const sizes = { plain: await bundle('bundle.cjs', false), minified: await bundle('bundle.min.cjs', true) };
writeFileSync('sizes.json', JSON.stringify(sizes));
console.log(name, sizes);
