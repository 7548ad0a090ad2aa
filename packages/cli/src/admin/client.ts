import type { GetClientResponse } from '@taskyard/client';
import { Command } from 'commander';
import { type ConnectedOptions, connectedCommand } from '../connected.ts';
import { collectTexts, dateOption } from '../input.ts';
import { columns, harmless, type Io, remark, say, sayJson } from '../io.ts';
import { allItems } from '../listings.ts';
import { shownMoment } from '../times.ts';
import { authOf } from './auth-of.ts';
import { developerScopes, viewerScopes, workerScopes } from './profiles.ts';

const stateOf = (io: Io, { disabled, expires }: GetClientResponse): string => {
  if (disabled) return 'disabled';
  return new Date(expires).getTime() <= Date.now() ? 'expired' : `until ${shownMoment(io, expires)}`;
};

const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List clients.')
    .argument('[prefix]', 'what their ids begin with')
    .action(async (prefix: string | undefined, options: ConnectedOptions) => {
      const auth = authOf(io, options);
      const found = await allItems(
        (query) => auth.listClients({ ...query, ...(prefix === undefined ? {} : { prefix }) }),
        (page) => page.clients,
      );
      if (options.json) return sayJson(io, found);
      for (const line of columns(found.map((client) => [client.clientId, stateOf(io, client)])))
        say(io, line);
    });

const clientLines = (io: Io, client: GetClientResponse): string[] => [
  ...columns([
    ['client', client.clientId],
    ['state', stateOf(io, client)],
    ['last used', shownMoment(io, client.lastDateUsed)],
    ['description', harmless(client.description)],
  ]),
  ...client.scopes.map((scope) => `scope  ${harmless(scope)}`),
];

const showCommand = (io: Io): Command =>
  connectedCommand('show')
    .description('Show a client and its scopes.')
    .argument('<clientId>')
    .action(async (clientId: string, options: ConnectedOptions) => {
      const client = await authOf(io, options).client(clientId);
      if (options.json) sayJson(io, client);
      else say(io, clientLines(io, client).join('\n'));
    });

/** Prints a client with its token, which is shown only once, as variables that every client reads. */
const sayCreated = (
  io: Io,
  client: { readonly clientId: string; readonly accessToken: string },
  json: true | undefined,
): void => {
  if (json) {
    sayJson(io, client);
    return;
  }
  remark(io, 'Keep the access token: nothing shows it again.');
  say(io, `TASKCLUSTER_CLIENT_ID=${client.clientId}\nTASKCLUSTER_ACCESS_TOKEN=${client.accessToken}`);
};

interface ScopeOptions {
  readonly scope: readonly string[];
  readonly worker?: string;
  readonly developer?: true;
  readonly viewer?: true;
}

interface CreateOptions extends ConnectedOptions, ScopeOptions {
  readonly description: string;
  readonly expires: Date;
  readonly deleteOnExpiration?: true;
}

/** The scopes of the options of `create`, each once. */
const scopesOf = ({ scope, worker, developer, viewer }: ScopeOptions): string[] => [
  ...new Set([
    ...scope,
    ...(worker === undefined ? [] : workerScopes(worker)),
    ...(developer ? developerScopes : []),
    ...(viewer ? viewerScopes : []),
  ]),
];

const createCommand = (io: Io): Command =>
  connectedCommand('create')
    .description('Create a client; prints its credentials.')
    .argument('<clientId>')
    .option('--scope <scope>', 'a scope that you hold; may be repeated', collectTexts, [])
    .option('--worker <taskQueueId>', 'with the scopes of a worker of this task queue')
    .option('--developer', 'with the scopes of a person who runs tasks and graphs')
    .option('--viewer', 'with the scopes of a person who only reads')
    .option('--description <text>', 'what it is for', '')
    .option('--expires <when>', 'a date, or a time from now', dateOption, dateOption('1 year'))
    .option('--delete-on-expiration', 'forget it when it has expired')
    .action(async (clientId: string, { description, expires, ...options }: CreateOptions) => {
      const created = await authOf(io, options).createClient(clientId, {
        scopes: scopesOf(options),
        description,
        expires: expires.toJSON(),
        deleteOnExpiration: options.deleteOnExpiration === true,
      });
      sayCreated(io, created, options.json);
    });

const resetCommand = (io: Io): Command =>
  connectedCommand('reset')
    .description('Give a client a new access token; the old one ends at once.')
    .argument('<clientId>')
    .action(async (clientId: string, options: ConnectedOptions) => {
      sayCreated(io, await authOf(io, options).resetAccessToken(clientId), options.json);
    });

const switchCommand =
  (name: 'enable' | 'disable', description: string) =>
  (io: Io): Command =>
    connectedCommand(name)
      .description(description)
      .argument('<clientId>')
      .action(async (clientId: string, options: ConnectedOptions) => {
        const client = await authOf(io, options)[`${name}Client`](clientId);
        if (options.json) sayJson(io, client);
        else say(io, `${clientId}  ${stateOf(io, client)}`);
      });

const deleteCommand = (io: Io): Command =>
  connectedCommand('delete')
    .description('Delete a client.')
    .argument('<clientId>')
    .action(async (clientId: string, options: ConnectedOptions) => {
      await authOf(io, options).deleteClient(clientId);
      if (options.json) sayJson(io, { clientId });
      else say(io, `${clientId} is deleted`);
    });

/** The commands about clients of the auth service. */
export const clientCommands = (io: Io): Command => {
  const client = new Command('client').description('Work with clients: who may call.');
  const verbs = [
    listCommand,
    showCommand,
    createCommand,
    resetCommand,
    switchCommand('enable', 'Let a disabled client in again.'),
    switchCommand('disable', 'Keep a client out, and all that it gave credentials to.'),
    deleteCommand,
  ];
  for (const verb of verbs) client.addCommand(verb(io));
  return client;
};
