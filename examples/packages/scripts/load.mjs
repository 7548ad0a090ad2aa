// Loads one bundle in a fresh process and prints how many milliseconds that took: load.mjs BUNDLE [CODE-CACHE].
// A code cache that is not there yet is written; it holds what V8 compiled while the bundle loaded.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Script } from 'node:vm';

const [bundle, cache] = process.argv.slice(2);
const cachedData = cache && existsSync(cache) ? readFileSync(cache) : undefined;
const module = { exports: {} };

const start = performance.now();
const source = `(function (require, module, exports) {${readFileSync(bundle, 'utf8')}\n})`;
const script = new Script(source, { filename: bundle, cachedData });
script.runInThisContext()(createRequire(resolve(bundle)), module, module.exports);
console.log(performance.now() - start);

if (script.cachedDataRejected) throw new Error(`V8 does not take the code cache ${cache}`);
if (cache && !cachedData) writeFileSync(cache, script.createCachedData());
if (Object.keys(module.exports).length === 0) throw new Error(`${bundle} exports nothing`);
