// `npm run chaos`: makes faults in a small fleet under load, and checks from outside that nothing is lost or done twice.
//   npm run chaos                                  20 faults of a seed that it makes up and prints
//   npm run chaos -- --seed=42 --faults=200        other faults; the same seed gives the same ones
//   npm run chaos -- --faults=1000 --hours=2       spread over two hours
//   npm run chaos -- --no-build                    what was compiled last
// What it does and promises: docs/operating/reliability.md. It ends with 1 when something is broken.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const given = process.argv.slice(2);
if (!given.includes('--no-build')) {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

// A disk that is mounted in a namespace of its own goes with it, however the run ends.
const namespace = ['unshare', '--mount', '--propagation', 'private'];
const canMount =
  process.getuid?.() === 0 && spawnSync(namespace[0], [...namespace.slice(1), 'true']).status === 0;
const program = ['test/dist/chaos/main.js', ...given.filter((argument) => argument !== '--no-build')];
const [command, ...words] = [...(canMount ? namespace : []), process.execPath, ...program];
const child = spawn(command, words, {
  stdio: 'inherit',
  env: { ...process.env, ...(canMount ? { CHAOS_DISK: '1' } : {}) },
});
// Ctrl-C reaches the child as well, which cleans up.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill());
const [code] = await once(child, 'exit');
process.exitCode = code ?? 1;
