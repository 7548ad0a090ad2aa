import '@xterm/xterm/css/xterm.css';
import { Alert, Button, Group, Text } from '@mantine/core';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef, useState } from 'react';
import { Remedy } from '../shell/remedy.tsx';
import { findShell, openShell, type ShellConnection } from './shell-connection.ts';

/** How it goes with a shell. */
type Course =
  | { readonly kind: 'waiting' | 'open' }
  | { readonly kind: 'ended'; readonly exitCode: number }
  | { readonly kind: 'failed'; readonly error: unknown };

const brokenOff = new Error('The connection broke off: the task has ended, or its worker has gone.');

/** Shows what a shell shows, until it ends; resolves with how it ended. */
const show = async (terminal: Terminal, { messages }: ShellConnection): Promise<Course> => {
  for await (const message of messages) {
    if (message.kind === 'bytes') await new Promise<void>((done) => terminal.write(message.bytes, done));
    else if (message.kind === 'exit') return { kind: 'ended', exitCode: message.exitCode };
    else if (message.kind === 'refused') throw new Error(`The shell cannot be opened: ${message.reason}`);
  }
  throw brokenOff;
};

/** A terminal in an element that is as large as the element; `leave` is for those without a mouse. */
const aTerminal = (place: HTMLElement, leave: () => void) => {
  const terminal = new Terminal({ screenReaderMode: true, fontSize: 13, scrollback: 10_000 });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  fit.fit();
  terminal.attachCustomKeyEventHandler((event) => {
    if (!(event.shiftKey && event.key === 'Escape')) return true;
    if (event.type === 'keydown') leave();
    return false;
  });
  const sizing = new ResizeObserver(() => fit.fit());
  sizing.observe(place);
  return {
    terminal,
    dispose: () => {
      sizing.disconnect();
      terminal.dispose();
    },
  };
};

const speak = async (
  terminal: Terminal,
  { taskId, runId }: { taskId: string; runId: number },
  { signal, onOpen }: { signal: AbortSignal; onOpen: () => void },
): Promise<Course> => {
  const connection = await openShell(await findShell(taskId, runId, signal), signal);
  const encoder = new TextEncoder();
  const sizeOf = () => ({ kind: 'size', columns: terminal.cols, rows: terminal.rows }) as const;
  connection.send(sizeOf());
  terminal.onResize(() => connection.send(sizeOf()));
  terminal.onData((keys) => connection.send({ kind: 'bytes', bytes: encoder.encode(keys) }));
  terminal.onBinary((keys) =>
    connection.send({ kind: 'bytes', bytes: Uint8Array.from(keys, (key) => key.charCodeAt(0)) }),
  );
  onOpen();
  terminal.focus();
  return show(terminal, connection);
};

interface OfRun {
  readonly taskId: string;
  readonly runId: number;
  readonly onOpen: () => void;
}

/** One shell of a run, from its beginning to its end. */
const Shell = ({ taskId, runId, onOpen, again }: OfRun & { again: () => void }) => {
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [course, setCourse] = useState<Course>({ kind: 'waiting' });
  useEffect(() => {
    if (!place.current) return;
    const leaving = new AbortController();
    const { terminal, dispose } = aTerminal(place.current, () => button.current?.focus());
    const { signal } = leaving;
    speak(terminal, { taskId, runId }, { signal, onOpen: () => setCourse({ kind: 'open' }) })
      .catch((error: unknown): Course => ({ kind: 'failed', error }))
      .then((end) => {
        if (!signal.aborted) setCourse(end);
      });
    return () => {
      leaving.abort();
      dispose();
    };
  }, [taskId, runId]);
  useEffect(() => {
    if (course.kind === 'open') onOpen();
  }, [course.kind, onOpen]);
  return (
    <>
      <Group gap="md">
        <Button ref={button} size="xs" variant="default" onClick={again}>
          New shell
        </Button>
        <Text size="sm" aria-live="polite">
          {course.kind === 'waiting' && 'Waiting for the commands of the task to run'}
          {course.kind === 'open' && 'Shift and Escape leave the terminal.'}
          {course.kind === 'ended' && `The shell has ended with exit code ${course.exitCode}.`}
        </Text>
      </Group>
      {course.kind === 'failed' && (
        <Alert color="red" role="alert">
          <Remedy error={course.error} />
        </Alert>
      )}
      <section className="terminal" aria-label="Terminal" ref={place} />
    </>
  );
};

/** Shells of a run, one after the other. */
export const ShellView = (of: OfRun) => {
  const [number, setNumber] = useState(0);
  return <Shell key={number} {...of} again={() => setNumber(number + 1)} />;
};
