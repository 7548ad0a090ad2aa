import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand } from '../connected.ts';
import { viewsOf } from '../found.ts';
import { wholeNumber } from '../input.ts';
import { columns, harmless, type Io, paintFor, say, sayJson } from '../io.ts';
import { paintState } from '../paint-state.ts';

interface CausesOptions extends ConnectedOptions {
  readonly limit: number;
}

/** The server counts no further. */
const waitingMax = 10_000;

/** `taskyard group causes <taskGroupId>` */
export const causesCommand = (io: Io): Command =>
  connectedCommand('causes')
    .description(
      'Say what a group failed by: what went wrong on its own, and how many tasks wait for it in vain.',
    )
    .argument('<taskGroupId>')
    .option('--limit <number>', 'how many of them at most, up to 100', wholeNumber, 20)
    .action(async (taskGroupId: string, options: CausesOptions) => {
      const answer = await viewsOf(io, options).listFirstCauses(taskGroupId, {
        limit: String(options.limit),
      });
      if (options.json) return sayJson(io, answer);
      const { causes, found, isExact } = answer;
      if (causes.length === 0) return say(io, 'Nothing in this group failed.');
      const paint = paintFor(io, io.stdout);
      const rows = causes.map(({ task: { taskId, state, reasonResolved, name }, waiting }) => [
        taskId,
        paintState(paint, state),
        reasonResolved ?? '',
        waiting >= waitingMax ? `${waitingMax} or more wait` : `${waiting} wait`,
        harmless(name),
      ]);
      for (const line of columns(rows)) say(io, line);
      const more = found - causes.length;
      if (more > 0) say(io, `and ${isExact ? more : `${more} or more`} others`);
    });
