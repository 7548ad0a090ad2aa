// Measures how long both bundles take to load under some flags of Node: measure.mjs [FLAG…]. Writes loads.json.
import { writeFileSync } from 'node:fs';
import { medianLoad } from './median-load.mjs';

const flags = process.argv.slice(2);
const loads = {
  plain: medianLoad(['bundle.cjs'], flags),
  minified: medianLoad(['bundle.min.cjs'], flags),
};
writeFileSync('loads.json', JSON.stringify(loads));
console.log(flags.join(' ') || 'no flags', loads);
