import { readFile, writeFile } from 'node:fs/promises';
import type { simulation } from '@taskyard/server';
import type { Command } from 'commander';
import { commandNamed } from '../connected.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { readDocument, wholeNumber } from '../input.ts';
import { columns, type Io, say, sayJson } from '../io.ts';
import { loadServer } from '../load-server.ts';

interface SimulateOptions {
  readonly trace: string;
  readonly config: string;
  readonly market?: string;
  readonly svg?: string;
  readonly seed: number;
  readonly json?: true;
}

type Outcome = ReturnType<typeof simulation.simulate>;

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${file} cannot be read: ${(error as Error).message}`);
  }
};

const lasting = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
const dollars = (usd: number): string => `$${usd.toFixed(2)}`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const rows: readonly (readonly [name: string, show: (outcome: Outcome) => string])[] = [
  ['cost', ({ usd }) => dollars(usd)],
  ['  of it for idle places', ({ idleUsd }) => dollars(idleUsd)],
  ['  of it for boots', ({ bootUsd }) => dollars(bootUsd)],
  ['idle share', ({ idleShare }) => percent(idleShare)],
  ['pending time, p50', ({ pendingP50Ms }) => lasting(pendingP50Ms)],
  ['pending time, p95', ({ pendingP95Ms }) => lasting(pendingP95Ms)],
  ['instances', ({ instances }) => String(instances)],
  ['interrupted', ({ interruptions }) => String(interruptions)],
  ['runs', ({ runs }) => String(runs)],
  ['tasks that ended', ({ finished }) => String(finished)],
];

const withoutSights = ({ sights: _, ...outcome }: Outcome) => outcome;

/** Nobody is to take a replay for a success that has run only a part of the trace. */
const requireAll = (tasks: number, outcomes: Readonly<Record<'original' | 'ours', Outcome>>): void => {
  const short = (['original', 'ours'] as const).filter((name) => outcomes[name].finished < tasks);
  if (short.length === 0) return;
  const each = short.map((name) => `${outcomes[name].finished} as provisioned by ${name}`);
  throw new CommandError(
    exitCodes.failed,
    `Of ${tasks} tasks only these ran to their end: ${each.join(', ')}.`,
  );
};

/** `taskyard pool simulate` */
export const simulateCommand = (io: Io): Command =>
  commandNamed('simulate')
    .description('Replay a trace of tasks in a pool, provisioned by its options and as the original would.')
    .requiredOption('--trace <file>', 'CSV: at_seconds,duration_seconds of each task, or at_ms, duration_ms')
    .requiredOption('--config <file>', 'YAML: the config of the pool, and what its machines are like')
    .option('--market <file>', 'CSV: how prices and interruptions of launch configs change')
    .option('--svg <file>', 'where a diagram is written to')
    .option('--seed <number>', 'the same seed has the same chances', wholeNumber, 1)
    .action(async (options: SimulateOptions) => {
      const { simulation } = await loadServer();
      const setup = simulation.readSetup(await readDocument(io, options.config));
      const trace = simulation.readTrace(await readText(options.trace));
      const market =
        options.market === undefined ? [] : simulation.readMarket(await readText(options.market));
      const outcomes = simulation.compare({ trace, setup, market, seed: options.seed });
      const { original, ours } = outcomes;
      if (options.svg !== undefined) {
        await writeFile(
          options.svg,
          simulation.plot(`${trace.atMs.length.toLocaleString('en')} tasks`, outcomes),
        );
      }
      if (options.json) sayJson(io, { original: withoutSights(original), ours: withoutSights(ours) });
      else {
        const table = rows.map(([name, show]) => [name, show(original), show(ours)]);
        for (const line of columns([['', 'original', 'ours'], ...table])) say(io, line);
      }
      requireAll(trace.atMs.length, outcomes);
    });
