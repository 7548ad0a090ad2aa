// Bundles a package whole, as it is and minified: bundle.mjs NAME.
// Writes bundle.cjs, bundle.min.cjs and sizes.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const [name] = process.argv.slice(2);

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
