import { ApiError, type GetRoleResponse } from '@taskyard/client';
import { Command } from 'commander';
import { type ConnectedOptions, connectedCommand } from '../connected.ts';
import { collectTexts } from '../input.ts';
import { harmless, type Io, say, sayJson } from '../io.ts';
import { authOf } from './auth-of.ts';

const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List roles.')
    .action(async (options: ConnectedOptions) => {
      const roles = await authOf(io, options).listRoles();
      if (options.json) sayJson(io, roles);
      else for (const { roleId } of roles) say(io, harmless(roleId));
    });

const roleLines = ({ roleId, description, scopes }: GetRoleResponse): string =>
  [
    `role  ${harmless(roleId)}`,
    ...(description ? [`description  ${harmless(description)}`] : []),
    ...scopes.map((scope) => `scope  ${harmless(scope)}`),
  ].join('\n');

const showCommand = (io: Io): Command =>
  connectedCommand('show')
    .description('Show a role and its scopes.')
    .argument('<roleId>')
    .action(async (roleId: string, options: ConnectedOptions) => {
      const role = await authOf(io, options).role(roleId);
      if (options.json) sayJson(io, role);
      else say(io, roleLines(role));
    });

interface SetOptions extends ConnectedOptions {
  readonly scope: readonly string[];
  readonly description: string;
}

const setCommand = (io: Io): Command =>
  connectedCommand('set')
    .description('Make a role what is said here, whether it is there or not.')
    .argument('<roleId>')
    .option('--scope <scope>', 'a scope that you hold; may be repeated', collectTexts, [])
    .option('--description <text>', 'what it is for', '')
    .action(async (roleId: string, { scope, description, ...options }: SetOptions) => {
      const auth = authOf(io, options);
      const body = { scopes: [...scope], description };
      const role = await auth.createRole(roleId, body).catch((error: unknown) => {
        if (error instanceof ApiError && error.statusCode === 409) return auth.updateRole(roleId, body);
        throw error;
      });
      if (options.json) sayJson(io, role);
      else say(io, roleLines(role));
    });

const deleteCommand = (io: Io): Command =>
  connectedCommand('delete')
    .description('Delete a role.')
    .argument('<roleId>')
    .action(async (roleId: string, options: ConnectedOptions) => {
      await authOf(io, options).deleteRole(roleId);
      if (options.json) sayJson(io, { roleId });
      else say(io, `${harmless(roleId)} is deleted`);
    });

/** The commands about roles. */
export const roleCommands = (io: Io): Command => {
  const role = new Command('role').description('Work with roles: scopes under a name.');
  for (const verb of [listCommand, showCommand, setCommand, deleteCommand]) role.addCommand(verb(io));
  return role;
};
