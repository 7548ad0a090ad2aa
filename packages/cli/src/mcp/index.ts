import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { viewsOf } from '../found.ts';
import type { Io } from '../io.ts';
import { version } from '../version.ts';

interface McpOptions extends ConnectedOptions {
  readonly allowChanges?: true;
}

/** `taskyard mcp` */
export const mcpCommand = (io: Io): Command =>
  connectedCommand('mcp')
    .description(
      'Serve tasks, groups, logs and artifacts to an agent, by the Model Context Protocol on standard input and output.',
    )
    .option('--allow-changes', 'the agent may also rerun and cancel tasks; without it, it only reads')
    .action(async (options: McpOptions) => {
      // Its libraries take longer to load than most commands to run.
      const { serveAgent } = await import('./server.ts');
      const leaving = new AbortController();
      const forget = io.onInterrupt(() => leaving.abort());
      const clients = { queue: queueOf(io, options), views: viewsOf(io, options) };
      const serving = { ...clients, version: version(), allowChanges: options.allowChanges === true };
      await serveAgent(serving, leaving.signal).finally(forget);
    });
