// Loaded into a server by `node --import`: at each SIGUSR2 it writes what its event loop waited for longest since the last one.
// Linux only: it reads /proc.
import { readFileSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const resolutionMs = 5;
const delay = monitorEventLoopDelay({ resolution: resolutionMs });
delay.enable();

/** Where the figures of a process are written. */
export const fileOf = (pid) => fileURLToPath(new URL(`../.scratch/loop-${pid}.json`, import.meta.url));

/** Milliseconds that the main thread has had a processor for. */
const cpuMs = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;

// On a machine that others use as well, a wait is mostly theirs; this much of it is certainly ours.
let longestCpuMs = 0;
let last = cpuMs();
setInterval(() => {
  const now = cpuMs();
  longestCpuMs = Math.max(longestCpuMs, now - last);
  last = now;
}, resolutionMs).unref();

process.on('SIGUSR2', () => {
  const figures = { longestMs: delay.max / 1e6 - resolutionMs, longestCpuMs };
  writeFileSync(fileOf(process.pid), JSON.stringify(figures));
  delay.reset();
  longestCpuMs = 0;
});
