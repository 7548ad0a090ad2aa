import { Secrets } from '@taskyard/client';
import { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { dateOption, readDocument } from '../input.ts';
import { type Io, remark, say, sayJson } from '../io.ts';
import { allItems } from '../listings.ts';
import { shownMoment } from '../times.ts';

const secretsOf = (io: Io, options: ConnectedOptions): Secrets =>
  new Secrets({ ...serverOf(io, options), retries: 3 });

const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List the names of secrets.')
    .action(async (options: ConnectedOptions) => {
      const secrets = secretsOf(io, options);
      const names = await allItems(
        (query) => secrets.list(query),
        (page) => page.secrets,
      );
      if (options.json) sayJson(io, names);
      else for (const name of names) say(io, name);
    });

const getCommand = (io: Io): Command =>
  connectedCommand('get')
    .description('Print a secret, as JSON.')
    .argument('<name>')
    .action(async (name: string, options: ConnectedOptions) => {
      const found = await secretsOf(io, options).get(name);
      if (options.json) return sayJson(io, found);
      remark(io, `expires ${shownMoment(io, found.expires)}`);
      sayJson(io, found.secret);
    });

interface SetOptions extends ConnectedOptions {
  readonly expires: Date;
}

const setCommand = (io: Io): Command =>
  connectedCommand('set')
    .description('Set a secret to an object. It replaces the previous one.')
    .argument('<name>')
    .argument(
      '<file>',
      'the object, in JSON or YAML; "-" reads standard input, and leaves no trace in a history',
    )
    .option('--expires <when>', 'a date, or a time from now', dateOption, dateOption('1 year'))
    .action(async (name: string, file: string, { expires, ...options }: SetOptions) => {
      const secret = await readDocument(io, file);
      await secretsOf(io, options).set(name, { secret, expires: expires.toJSON() });
      if (options.json) sayJson(io, { name, expires });
      else say(io, `${name} is kept until ${shownMoment(io, expires.toJSON())}`);
    });

const deleteCommand = (io: Io): Command =>
  connectedCommand('delete')
    .description('Forget a secret.')
    .argument('<name>')
    .action(async (name: string, options: ConnectedOptions) => {
      await secretsOf(io, options).remove(name);
      if (options.json) sayJson(io, { name });
      else say(io, `${name} is forgotten`);
    });

/** The commands about secrets. */
export const secretCommands = (io: Io): Command => {
  const secret = new Command('secret').description('Keep small secrets by name.');
  for (const verb of [listCommand, getCommand, setCommand, deleteCommand]) secret.addCommand(verb(io));
  return secret;
};
