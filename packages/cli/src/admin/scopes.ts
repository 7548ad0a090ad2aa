import { scopesSatisfy } from '@taskyard/client';
import { Command } from 'commander';
import { type ConnectedOptions, connectedCommand } from '../connected.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { allItems } from '../listings.ts';
import { authOf } from './auth-of.ts';

const whoCommand = (io: Io): Command =>
  connectedCommand('who')
    .description('Say who may do what needs these scopes: clients, and roles that give them.')
    .argument('<scopes...>')
    .action(async (scopes: string[], options: ConnectedOptions) => {
      const auth = authOf(io, options);
      const [clients, roles] = await Promise.all([
        allItems(
          (query) => auth.listClients(query),
          (page) => page.clients,
        ),
        auth.listRoles(),
      ]);
      const found = {
        clients: clients
          .filter((client) => scopesSatisfy(client.expandedScopes, scopes))
          .map(({ clientId, disabled }) => ({ clientId, disabled })),
        roles: roles
          .filter((role) => scopesSatisfy(role.expandedScopes, scopes))
          .map(({ roleId }) => ({ roleId })),
      };
      if (options.json) return sayJson(io, found);
      const rows = [
        ...found.clients.map(({ clientId, disabled }) => ['client', clientId, disabled ? 'disabled' : '']),
        ...found.roles.map(({ roleId }) => ['role', harmless(roleId), '']),
      ];
      if (rows.length === 0) say(io, 'Nobody may.');
      for (const line of columns(rows)) say(io, line);
    });

const expandCommand = (io: Io): Command =>
  connectedCommand('expand')
    .description('Show all that these scopes allow, through roles as well.')
    .argument('<scopes...>')
    .action(async (scopes: string[], options: ConnectedOptions) => {
      const expanded = await authOf(io, options).expandScopes({ scopes });
      if (options.json) sayJson(io, expanded);
      else for (const scope of expanded.scopes) say(io, harmless(scope));
    });

const mineCommand = (io: Io): Command =>
  connectedCommand('mine')
    .description('Show what you may do.')
    .action(async (options: ConnectedOptions) => {
      const { scopes } = await authOf(io, options).currentScopes();
      if (options.json) sayJson(io, scopes);
      else for (const scope of scopes) say(io, harmless(scope));
    });

/** The commands that examine scopes. */
export const scopesCommands = (io: Io): Command => {
  const scopes = new Command('scopes').description('Look into scopes: who may do what.');
  for (const verb of [whoCommand, expandCommand, mineCommand]) scopes.addCommand(verb(io));
  return scopes;
};
