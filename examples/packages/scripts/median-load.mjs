// How long a bundle takes to load: the median of several fresh processes, in milliseconds.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const load = fileURLToPath(new URL('load.mjs', import.meta.url));

export const loadOnce = (args, flags = []) =>
  Number(execFileSync(process.execPath, [...flags, load, ...args], { encoding: 'utf8' }));

export const medianLoad = (args, flags = [], starts = 9) => {
  const times = Array.from({ length: starts }, () => loadOnce(args, flags)).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)];
};
