import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { TerminalSize } from '@taskyard/client';
import type { Container } from 'dockerode';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../worker-log.ts';
import type { Terminal } from '../engine.ts';
import { chooseShell } from '../script-terminal.ts';

const exitCodeUnknown = 255;

const [looksMax, betweenLooksMs] = [40, 50];

/** Opens a shell in a container that runs, with a terminal of its own. */
export const openExecTerminal = async (
  container: Container,
  environment: Readonly<Record<string, string>>,
  { clock, size: { columns, rows } }: { clock: Clock; size: TerminalSize },
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
      return exitCodeOf(exec, clock);
    },
    kill: () => {
      void end(container, exec).finally(() => stream.destroy());
    },
  };
};

type Exec = Awaited<ReturnType<Container['exec']>>;

/** A daemon learns of the end a moment after the connection has gone. Podman says 0 of a shell that still runs. */
const exitCodeOf = async (exec: Exec, clock: Clock): Promise<number> => {
  for (let looks = 1; looks <= looksMax; looks++) {
    const { ExitCode, Running } = await exec.inspect().catch(() => ({ ExitCode: null, Running: false }));
    if (!Running) return ExitCode ?? exitCodeUnknown;
    await clock.sleep(betweenLooksMs);
  }
  return exitCodeUnknown;
};

/** A daemon does not end a shell whose connection has gone. On this machine we do; elsewhere it ends with its container. */
const end = async ({ id }: Container, exec: Exec): Promise<void> => {
  try {
    const { Pid, Running } = await exec.inspect();
    if (!Running) return;
    const group = await readFile(`/proc/${Pid}/cgroup`, 'utf8');
    if (group.includes(id)) process.kill(Pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
};
