import { type ChildProcess, spawn } from 'node:child_process';

/** Kills process groups when this process ends, in whatever way it ends. */
export interface Watchdog {
  watch(processGroup: number): void;
  forget(processGroup: number): void;
  /** Kills the groups that are still watched, and leaves. */
  close(): void;
}

// The pipe on its standard input breaks when the worker dies: SIGKILL leaves no time to act for anything else.
const script = `
groups=' '
while read -r verb group; do
  case $verb in
    watch) groups="$groups$group " ;;
    forget)
      rest=' '
      for one in $groups; do [ "$one" = "$group" ] || rest="$rest$one "; done
      groups=$rest ;;
  esac
done
for one in $groups; do kill -KILL "-$one"; done
`;

/** Starts the watchdog: one small shell in a session of its own, so that Ctrl-C on a terminal spares it. */
export const startWatchdog = (): Watchdog => {
  const groups = new Set<number>();
  let isClosed = false;
  let shell: ChildProcess;
  const tell = (verb: string, group: number): void => {
    shell.stdin?.write(`${verb} ${group}\n`);
  };
  const start = (): void => {
    shell = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
    });
    // The watchdog may be killed; its processes must be watched nevertheless.
    shell.once('exit', () => {
      if (!isClosed) start();
    });
    shell.stdin?.on('error', () => undefined);
    shell.unref();
    (shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
    for (const group of groups) tell('watch', group);
  };
  start();
  return {
    watch: (group) => {
      groups.add(group);
      tell('watch', group);
    },
    forget: (group) => {
      groups.delete(group);
      tell('forget', group);
    },
    close: () => {
      isClosed = true;
      shell.stdin?.end();
    },
  };
};
