import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { wholeNumber } from '../input.ts';
import type { Io } from '../io.ts';
import { loadServer } from '../load-server.ts';

const kinds = ['steady', 'working-day', 'spot-market'] as const;

interface TraceOptions {
  readonly kind: (typeof kinds)[number];
  readonly seed: number;
  readonly tasks?: number;
  readonly days?: number;
  readonly market?: string;
}

const made = async ({ kind, seed, tasks, days }: TraceOptions) => {
  const { simulation } = await loadServer();
  const random = simulation.seeded(seed);
  const span = days === undefined ? {} : { days };
  if (kind === 'steady') {
    return { trace: simulation.steadyTrace(random, { ...span, ...(tasks === undefined ? {} : { tasks }) }) };
  }
  if (tasks !== undefined) throw new CommandError(exitCodes.usage, '--tasks goes with --kind steady.');
  if (kind === 'working-day') return { trace: simulation.workingDayTrace(random, span) };
  return {
    trace: simulation.spotTrace(random, span),
    market: simulation.spotMarket(simulation.seeded(seed + 1), span),
  };
};

/** `taskyard pool trace` */
export const traceCommand = (io: Io): Command =>
  new Command('trace')
    .description('Make up a trace of tasks for `pool simulate`: when each arrives, and how long it runs.')
    .addOption(new Option('--kind <kind>', 'what the load is like').choices(kinds).makeOptionMandatory())
    .option('--seed <number>', 'the same seed makes the same trace', wholeNumber, 1)
    .option('--tasks <count>', 'how many tasks, for a steady load (default: 500000)', wholeNumber)
    .option(
      '--days <count>',
      'how many days (default: 7 if steady, 1 working day, 2 on the spot market)',
      wholeNumber,
    )
    .option('--market <file>', 'where the prices of a spot market are written to')
    .action(async (options: TraceOptions) => {
      const { simulation } = await loadServer();
      const { trace, market } = await made(options);
      if (options.market !== undefined) {
        if (!market) throw new CommandError(exitCodes.usage, '--market goes with --kind spot-market.');
        await writeFile(options.market, simulation.marketText(market));
      }
      io.stdout.write(simulation.traceText(trace));
    });
