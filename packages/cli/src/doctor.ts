import type { Diagnosis } from '@taskyard/server';
import type { Command } from 'commander';
import { configOf, type DataOptions, dataCommand } from './data-command.ts';
import { exitCodes } from './exit-codes.ts';
import { type Io, say, sayJson } from './io.ts';
import { loadServer } from './load-server.ts';

const marks = { ok: 'ok', warning: 'warning', error: 'ERROR' } as const;

const tell = (io: Io, { check, level, message, todo }: Diagnosis): void => {
  say(io, `${marks[level].padEnd(8)} ${check.padEnd(12)} ${message}`);
  if (todo !== undefined) say(io, `${''.padEnd(22)}${todo}`);
};

/** The mistakes of a configuration that cannot be read are findings too. */
const diagnose = async (io: Io, options: DataOptions): Promise<readonly Diagnosis[]> => {
  try {
    const { server, config } = await configOf(io, options);
    return await server.examine(config);
  } catch (error) {
    const { ConfigError } = await loadServer();
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(({ where, message }) => ({
      check: 'configuration',
      level: 'error' as const,
      message: `${where} ${message}.`,
      todo: 'Correct it there.',
    }));
  }
};

/** `taskyard doctor` */
export const doctorCommand = (io: Io): Command =>
  dataCommand('doctor')
    .description(
      'Examine what the platform of a configuration needs, whether it runs or not: machine, data folder, database, broker, ' +
        'store, clocks and ports. Says what is wrong and what to do; what it writes for that, it removes, but for empty folders.',
    )
    .action(async (options: DataOptions) => {
      const found = await diagnose(io, options);
      const isWell = found.every(({ level }) => level !== 'error');
      if (options.json) sayJson(io, { isWell, findings: found });
      else for (const each of found) tell(io, each);
      if (!isWell) io.setExitCode(exitCodes.failed);
    });
