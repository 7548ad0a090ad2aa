import { slugid } from '@taskyard/client';
import type { Command } from 'commander';
import { commandNamed } from './connected.ts';
import { wholeNumber } from './input.ts';
import { type Io, say, sayJson } from './io.ts';

/** `taskyard slugid` */
export const slugidCommand = (io: Io): Command =>
  commandNamed('slugid')
    .description('Print a fresh identifier for a task or a group.')
    .option('-n, --count <count>', 'how many', wholeNumber, 1)
    .action(({ count, json }: { count: number; json?: true }) => {
      const made = Array.from({ length: count }, slugid);
      if (json) sayJson(io, made);
      else say(io, made.join('\n'));
    });
