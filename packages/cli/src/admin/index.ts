import { Command } from 'commander';
import type { Io } from '../io.ts';
import { clientCommands } from './client.ts';
import { roleCommands } from './role.ts';
import { scopesCommands } from './scopes.ts';

export { clientCommands, roleCommands, scopesCommands };

/** The commands for clients, roles and scopes. */
export const adminCommands = (io: Io): Command => {
  const admin = new Command('admin').description('Say who may do what: clients, roles, scopes.');
  for (const commands of [clientCommands, roleCommands, scopesCommands]) admin.addCommand(commands(io));
  return admin;
};
