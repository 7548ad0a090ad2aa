import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TerminalSize } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { defaultPath } from '../../config.ts';
import type { Terminal } from '../index.ts';
import { aStage, type Choice, type Stage } from './stage.ts';

/** Shells beside the commands of a stage. */
const shellsOf = ({ engine, task, root }: Stage) => ({
  open: async (size: TerminalSize) => {
    const environment = { PATH: defaultPath(), TASK_WORKDIR: task, TERM: 'dumb', A: 'b' };
    const place = { directory: task, privateDirectory: join(root, 'run'), environment };
    const terminal = await engine.openTerminal?.(place, size);
    assert.ok(terminal, 'the engine opens terminals');
    let text = '';
    terminal.screen.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    return {
      terminal,
      type: (typed: string) => void terminal.keys.write(typed),
      shown: () => text,
      shows: (wanted: RegExp) =>
        eventually(
          `the shell to show ${wanted}`,
          () => text,
          (so) => wanted.test(so),
        ),
    };
  },
  ended: ({ terminal }: { terminal: Terminal }) => within('the shell to end', terminal.wait()),
});

/** What every kind of terminal must do beside the commands of an engine. */
export const terminalSuite = (
  name: string,
  choice: Choice,
  onlyHere: { readonly skip: string | false },
): void => {
  test(
    `${name} of ${choice}: a shell finds what commands find, in a terminal that has a size`,
    onlyHere,
    async (t) => {
      const stage = await aStage(t, choice);
      const command = await stage.start(['/bin/sh', '-c', 'echo of the task > file; echo ready; sleep 1000']);
      await eventually('the command to run', async () => (await stage.text()).includes('ready'));
      const { open, ended } = shellsOf(stage);
      const shell = await open({ columns: 100, rows: 30 });
      shell.type('cat file; echo "A=$A"; test -t 0 && echo "in a ""terminal"; stty size\n');
      await shell.shows(/of the task\r\nA=b\r\nin a terminal\r\n30 100\r\n/);
      shell.terminal.resize({ columns: 120, rows: 40 });
      await eventually('the terminal to grow', () => {
        shell.type('stty size\n');
        return shell.shown().includes('40 120');
      });
      shell.type('exit 5\n');
      assert.equal(await ended(shell), 5);
      const stubborn = await open({ columns: 80, rows: 24 });
      stubborn.type('trap "" HUP TERM; echo up-$((1 + 1))\n');
      await stubborn.shows(/up-2/);
      stubborn.terminal.kill();
      assert.notEqual(await ended(stubborn), 0);
      command.kill();
      await command.wait();
    },
  );
};
