import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { TerminalSize } from '@taskyard/client';
import type { Container } from 'dockerode';
import { messageOf } from '../../worker-log.ts';
import type { Terminal } from '../engine.ts';
import { chooseShell } from '../script-terminal.ts';

const exitCodeUnknown = 255;

/** Opens a shell in a container that runs, with a terminal of its own. */
export const openExecTerminal = async (
  container: Container,
  environment: Readonly<Record<string, string>>,
  { columns, rows }: TerminalSize,
): Promise<Terminal> => {
  const exec = await container.exec({
    Cmd: ['/bin/sh', '-c', chooseShell],
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
  });
  const stream: Duplex = await exec.start({ hijack: true, stdin: true, Tty: true }).catch((error) => {
    throw new Error(`The container has no shell: ${messageOf(error)}`);
  });
  const resize = (size: TerminalSize): Promise<void> =>
    exec.resize({ w: size.columns, h: size.rows }).catch(() => undefined);
  await resize({ columns, rows });
  const over = new Promise<void>((resolve) => {
    stream.once('end', resolve);
    stream.once('close', resolve);
  });
  stream.on('error', () => undefined);
  return {
    keys: stream,
    screen: stream,
    resize: (size) => void resize(size),
    wait: async () => {
      await over;
      const { ExitCode } = await exec.inspect().catch(() => ({ ExitCode: null }));
      return ExitCode ?? exitCodeUnknown;
    },
    kill: () => {
      void end(container, exec).finally(() => stream.destroy());
    },
  };
};

/** A daemon does not end a shell whose connection has gone. On this machine we do; elsewhere it ends with its container. */
const end = async ({ id }: Container, exec: Awaited<ReturnType<Container['exec']>>): Promise<void> => {
  try {
    const { Pid, Running } = await exec.inspect();
    if (!Running) return;
    const group = await readFile(`/proc/${Pid}/cgroup`, 'utf8');
    if (group.includes(id)) process.kill(Pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
};
