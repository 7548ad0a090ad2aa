// Sums up a CPU profile of the server by function.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const nameOf = ({ functionName, url, lineNumber }) => {
  const place = url.replace(/^.*\/(packages|node_modules)\//, '').replace(/^.*\/dist\//, '');
  return `${functionName || '(anonymous)'}${place ? `  ${place}:${lineNumber + 1}` : ''}`;
};

/** Seconds by function: of its own, and with what it called. */
const sumUp = ({ nodes, samples, timeDeltas }) => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const sums = new Map();
  samples.forEach((id, i) => {
    const seen = new Set();
    for (let at = id; at !== undefined; at = parents.get(at)) {
      const name = nameOf(byId.get(at).callFrame);
      const sum = sums.get(name) ?? { own: 0, all: 0 };
      if (at === id) sum.own += timeDeltas[i] / 1e6;
      // A function that calls itself counts once.
      if (!seen.has(name)) sum.all += timeDeltas[i] / 1e6;
      seen.add(name);
      sums.set(name, sum);
    }
  });
  return sums;
};

const show = (sums, by, count) =>
  [...sums]
    .filter(([name]) => !/^\((root|idle)\)/.test(name))
    .sort(([, a], [, b]) => b[by] - a[by])
    .slice(0, count)
    .map(([name, { own, all }]) => `${own.toFixed(2).padStart(8)} ${all.toFixed(2).padStart(8)}  ${name}`)
    .join('\n');

/** Prints the costliest functions of the profiles in a folder. */
export const printProfile = (folder) => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const sums = sumUp(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    const total = [...sums].reduce((sum, [name, { own }]) => sum + (name.startsWith('(idle)') ? 0 : own), 0);
    console.log(`\n${join(folder, file)}: ${total.toFixed(1)} s of work. Own seconds, seconds with callees:`);
    console.log(`${show(sums, 'own', 40)}\n\nBy seconds with callees:\n${show(sums, 'all', 60)}`);
  }
};
