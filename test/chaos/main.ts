// `npm run chaos`: see docs/operating/reliability.md.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { root } from '../support/platform.ts';
import { startFleet } from './fleet.ts';
import { runChaos } from './run.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, faults: { type: 'string' }, hours: { type: 'string' } },
});

const numberOf = (name: keyof typeof values, otherwise: number): number => {
  const given = values[name];
  const number = given === undefined ? otherwise : Number(given);
  if (number >= 0 && (name === 'hours' || Number.isSafeInteger(number))) return number;
  throw new Error(`--${name} is to be a number, not "${given}".`);
};

const say = (line: string): void => console.log(line);
const commit = spawnSync('git', ['describe', '--always', '--dirty', '--exclude=*'], {
  cwd: root,
  encoding: 'utf8',
}).stdout.trim();

const options = {
  seed: numberOf('seed', randomInt(1_000_000)),
  count: numberOf('faults', 20),
  hours: numberOf('hours', 0),
  say,
};
say(`seed ${options.seed}, commit ${commit || 'unknown'}, ${options.count} faults`);

const fleet = await startFleet();
const giveUp = async (why: string, code: number): Promise<never> => {
  say(`BROKEN  ${why}`);
  await fleet.close();
  process.exit(code);
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void giveUp(signal, 130));
process.on('uncaughtException', (error) => void giveUp(error.stack ?? error.message, 1));
const broken = await runChaos(fleet, options)
  .catch((error: Error) => {
    say(`BROKEN  ${error.stack}`);
    return 1;
  })
  .finally(() => fleet.close());
if (broken > 0)
  say(`\nnpm run chaos -- --seed=${options.seed} repeats these faults. Logs are in ${fleet.folder}`);
else await fleet.forget();
process.exitCode = broken > 0 ? 1 : 0;
