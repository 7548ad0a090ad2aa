import {
  ApiError,
  type CreateHookRequest,
  type HookDefinition,
  type HookStatus,
  Hooks,
} from '@taskyard/client';
import { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { readDocument } from '../input.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { allItems } from '../listings.ts';
import { shownMoment } from '../times.ts';

const hooksOf = (io: Io, options: ConnectedOptions): Hooks =>
  new Hooks({ ...serverOf(io, options), retries: 3 });

/** The name of a hook: its group and its id, which may contain slashes. */
const partsOf = (name: string): [hookGroupId: string, hookId: string] => {
  const at = name.indexOf('/');
  if (at < 1) throw new CommandError(exitCodes.usage, `"${name}" must be written as <group>/<hook>.`);
  return [name.slice(0, at), name.slice(at + 1)];
};

const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List hooks, with when they fire.')
    .argument('[hookGroupId]', 'of one group; of all without')
    .action(async (hookGroupId: string | undefined, options: ConnectedOptions) => {
      const hooks = hooksOf(io, options);
      const groups = hookGroupId ? [hookGroupId] : (await hooks.listHookGroups()).groups;
      const found: HookDefinition[] = [];
      for (const group of groups) found.push(...(await hooks.listHooks(group)).hooks);
      if (options.json) return sayJson(io, found);
      const rows = found.map(({ hookGroupId: group, hookId, schedule, metadata }) => [
        `${group}/${hookId}`,
        schedule.join('; ') || '-',
        harmless(metadata.name),
      ]);
      for (const line of columns(rows)) say(io, line);
    });

const lastFire = (io: Io, { lastFire: fire }: HookStatus): string => {
  if (fire.result === 'no-fire') return 'never';
  const came = fire.result === 'success' ? fire.taskId : harmless(JSON.stringify(fire.error));
  return `${shownMoment(io, fire.time)}  ${fire.result}  ${came}`;
};

const statusCommand = (io: Io): Command =>
  connectedCommand('status')
    .description('Show when a hook fires next, and what came of the last time.')
    .argument('<group/hook>')
    .action(async (name: string, options: ConnectedOptions) => {
      const status = await hooksOf(io, options).getHookStatus(...partsOf(name));
      if (options.json) return sayJson(io, status);
      const rows = [
        ['hook', name],
        ['next', status.nextScheduledDate ? shownMoment(io, status.nextScheduledDate) : 'not by a schedule'],
        ['last', lastFire(io, status)],
      ];
      for (const line of columns(rows)) say(io, line);
    });

const firesCommand = (io: Io): Command =>
  connectedCommand('fires')
    .description('List the last times that a hook fired, the newest first.')
    .argument('<group/hook>')
    .action(async (name: string, options: ConnectedOptions) => {
      const hooks = hooksOf(io, options);
      const found = await allItems(
        (query) => hooks.listLastFires(...partsOf(name), query),
        (page) => page.lastFires,
      );
      if (options.json) return sayJson(io, found);
      const rows = found.map((fire) => [
        shownMoment(io, fire.taskCreateTime),
        fire.firedBy,
        fire.result,
        fire.result === 'success' ? fire.taskId : harmless(fire.error),
      ]);
      for (const line of columns(rows)) say(io, line);
    });

interface TriggerOptions extends ConnectedOptions {
  readonly body?: string;
}

const triggerCommand = (io: Io): Command =>
  connectedCommand('trigger')
    .description('Fire a hook now; prints the task that it creates.')
    .argument('<group/hook>')
    .option('--body <file>', 'what its template is given: JSON or YAML; "-" reads standard input')
    .action(async (name: string, { body, ...options }: TriggerOptions) => {
      const given = body === undefined ? {} : await readDocument(io, body);
      const reply = await hooksOf(io, options).triggerHook(...partsOf(name), given);
      if (options.json) sayJson(io, reply);
      else say(io, 'taskId' in reply ? reply.taskId : 'Its template made no task');
    });

const showCommand = (io: Io): Command =>
  connectedCommand('show')
    .description('Show the definition of a hook.')
    .argument('<group/hook>')
    .action(async (name: string, options: ConnectedOptions) => {
      sayJson(io, await hooksOf(io, options).hook(...partsOf(name)));
    });

const setCommand = (io: Io): Command =>
  connectedCommand('set')
    .description('Make a hook what a file says, whether it is there or not.')
    .argument('<group/hook>')
    .argument('<file>', 'JSON or YAML; "-" reads standard input')
    .action(async (name: string, file: string, options: ConnectedOptions) => {
      const hooks = hooksOf(io, options);
      // The server checks the content of the file.
      const body = (await readDocument(io, file)) as CreateHookRequest;
      const hook = await hooks.createHook(...partsOf(name), body).catch((error: unknown) => {
        if (error instanceof ApiError && error.statusCode === 409) {
          return hooks.updateHook(...partsOf(name), body);
        }
        throw error;
      });
      if (options.json) sayJson(io, hook);
      else say(io, `${name} is as ${file === '-' ? 'standard input' : file} says`);
    });

const deleteCommand = (io: Io): Command =>
  connectedCommand('delete')
    .description('Delete a hook.')
    .argument('<group/hook>')
    .action(async (name: string, options: ConnectedOptions) => {
      await hooksOf(io, options).removeHook(...partsOf(name));
      if (options.json) sayJson(io, { hook: name });
      else say(io, `${name} is deleted`);
    });

/** The commands about hooks. */
export const hookCommands = (io: Io): Command => {
  const hook = new Command('hook').description('Look at hooks, change them, and fire them.');
  const verbs = [
    listCommand,
    showCommand,
    statusCommand,
    firesCommand,
    triggerCommand,
    setCommand,
    deleteCommand,
  ];
  for (const verb of verbs) hook.addCommand(verb(io));
  return hook;
};
