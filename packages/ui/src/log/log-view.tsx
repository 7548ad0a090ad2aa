import { Alert, Button, Checkbox, Group, Text, TextInput } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { Failure } from '../shell/failure.tsx';
import { messageOf } from '../shell/messages.ts';
import { ScrollFrame } from '../shell/scroll-frame.tsx';
import { useShortcuts } from '../shell/shortcuts.ts';
import { LogLine } from './log-line.tsx';
import { FirstError, isAmong, type LogText, linkedLines, Matches } from './log-text.ts';
import { type LogRef, useLog } from './use-log.ts';

/** What an address says that is to be shown: `#error`, or lines. */
const useHash = (): [string, (hash: string) => void] => {
  const [hash, setHash] = useState(() => window.location.hash);
  const put = (next: string) => {
    window.history.replaceState(
      window.history.state,
      '',
      `${window.location.pathname}${window.location.search}${next}`,
    );
    setHash(next);
  };
  return [hash, put];
};

const useSearch = (text: LogText) => {
  const [words, setWords] = useState('');
  const wanted = useDeferredValue(words);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was found is of one log.
  const matches = useMemo(() => new Matches(wanted), [wanted, text]);
  const found = matches.in(text);
  // None has been gone to yet: the first step leads to the first one.
  const [at, setAt] = useState(-1);
  const search = (next: string) => {
    setWords(next);
    setAt(-1);
  };
  return { words, search, found, at: Math.min(at, found.length - 1), setAt };
};

type Rows = ReturnType<typeof useVirtualizer<HTMLElement, Element>>;

/** Goes to what the address names, once, as soon as the line is there; returns how to say that it has been shown. */
const useLinkedLine = (
  { hash, target }: { hash: string; target: number },
  { rows, count }: { rows: Rows; count: number },
) => {
  const shown = useRef('');
  useEffect(() => {
    if (shown.current === hash || target < 0 || target >= count) return;
    shown.current = hash;
    rows.scrollToIndex(target, { align: 'center' });
  }, [hash, target, count, rows]);
  return (next: string) => {
    shown.current = next;
  };
};

/** All that a log view knows and does, without its looks. */
const useLogView = (ref: LogRef) => {
  const { text, isOver, error, leftOutBytes } = useLog(ref);
  const { lines, dropped } = text;
  const frame = useRef<HTMLElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [hash, setHash] = useHash();
  const [isFollowing, setFollowing] = useState(hash === '');
  const search = useSearch(text);
  const { found, at, setAt } = search;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was found is of one log.
  const firstError = useMemo(() => new FirstError(), [text]);
  const errorAt = firstError.in(text);
  const linked = linkedLines(hash);
  const count = lines.length;
  const rows = useVirtualizer<HTMLElement, Element>({
    count,
    getScrollElement: () => frame.current,
    estimateSize: () => 20,
    overscan: 30,
  });
  const show = (number: number) => {
    setFollowing(false);
    rows.scrollToIndex(number - dropped, { align: 'center' });
  };
  const step = (by: number) => {
    if (found.length === 0) return;
    const next = at < 0 && by < 0 ? found.length - 1 : (at + by + found.length) % found.length;
    setAt(next);
    show(found[next] ?? 0);
  };
  const toError = () => {
    if (errorAt >= 0) show(errorAt);
  };
  const errorWhenOver = isOver ? errorAt : -1;
  const target = (hash === '#error' ? errorWhenOver : (linked?.from ?? -1)) - dropped;
  const markShown = useLinkedLine({ hash, target }, { rows, count });
  const link = (number: number, isRange: boolean) => {
    const next = isRange && linked ? `#L${linked.from + 1}-L${number + 1}` : `#L${number + 1}`;
    markShown(next);
    setHash(next);
    setFollowing(false);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: of a very large log as many lines come as are let go.
  useEffect(() => {
    if (isFollowing && count > 0) rows.scrollToIndex(count - 1, { align: 'end' });
  }, [isFollowing, count, dropped, rows]);
  const following = { isFollowing, setFollowing };
  const reading = { lines, dropped, isOver, error, leftOutBytes, errorAt, linked };
  return { ...reading, ...following, frame, field, search, rows, step, toError, link };
};

type View = ReturnType<typeof useLogView>;

const useLogShortcuts = ({ isFollowing, setFollowing, toError, field, step }: View) =>
  useShortcuts([
    { keys: 'f', does: 'follow the log', run: () => setFollowing(!isFollowing) },
    { keys: 'e', does: 'go to the first error', run: toError },
    { keys: 's', does: 'search in the log', run: () => field.current?.focus() },
    { keys: 'n', does: 'next match', run: () => step(1) },
    { keys: 'N', does: 'previous match', run: () => step(-1) },
  ]);

const Tools = ({ view }: { view: View }) => {
  const { lines, dropped, isOver, errorAt, isFollowing, setFollowing, field, search, step, toError } = view;
  const { words, found, at } = search;
  return (
    <Group gap="xs" align="center">
      <TextInput
        ref={field}
        size="xs"
        aria-label="Search in the log"
        placeholder="Search ( s )"
        value={words}
        onChange={(event) => search.search(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
        }}
      />
      {words && (
        <Text size="sm" aria-live="polite">
          {found.length === 0 ? 'nothing found' : `${Math.max(at, 0) + 1} of ${found.length}`}
        </Text>
      )}
      <Button size="xs" variant="default" onClick={toError} disabled={errorAt < 0}>
        First error
      </Button>
      <Checkbox
        size="xs"
        label="Follow"
        checked={isFollowing}
        onChange={(event) => setFollowing(event.currentTarget.checked)}
      />
      <Text size="sm" c="dimmed" aria-live="polite">
        {dropped + lines.length} lines{isOver ? '' : ', live'}
      </Text>
    </Group>
  );
};

const Remarks = ({ error, leftOutBytes, dropped }: View) => (
  <>
    {error !== undefined && (
      <Alert color="yellow">
        This is what there was when the worker ended; it kept no log for later: {messageOf(error)}
      </Alert>
    )}
    {leftOutBytes > 0 && (
      <Alert color="yellow">
        The log is large: its first {Math.round(leftOutBytes / 2 ** 20)} MiB are left out. Download the
        artifact to see them. Numbers count from there.
      </Alert>
    )}
    {dropped > 0 && (
      <Alert color="yellow">
        The log is large: its first {dropped} lines are not kept here. Download the artifact to see them.
      </Alert>
    )}
  </>
);

/** How a line is set off: as linked, as a match, as the first error. */
const markOf = (number: number, { linked, errorAt, isOver, search }: View): string => {
  if (linked && number >= linked.from && number <= linked.to) return ' is-linked';
  if (isAmong(search.found, number)) return ' is-match';
  return number === errorAt && isOver ? ' is-error' : '';
};

const VisibleLines = ({ view }: { view: View }) => {
  const { lines, dropped, rows, link } = view;
  return (
    <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
      {rows.getVirtualItems().map(({ index, start }) => (
        <div
          key={index}
          className={`log-line${markOf(index + dropped, view)}`}
          style={{
            position: 'absolute',
            top: 0,
            left: 0,
            minWidth: '100%',
            transform: `translateY(${start}px)`,
          }}
        >
          <a
            href={`#L${index + dropped + 1}`}
            onClick={(event) => {
              event.preventDefault();
              link(index + dropped, event.shiftKey);
            }}
          >
            {index + dropped + 1}
          </a>
          <LogLine text={lines[index] ?? ''} />
        </div>
      ))}
    </div>
  );
};

/** A log: in colours, live, with search, and links to its lines. */
export const LogView = ({ log: ref }: { log: LogRef }) => {
  const view = useLogView(ref);
  useLogShortcuts(view);
  const { lines, error, frame, setFollowing } = view;
  if (error !== undefined && lines.length === 0) return <Failure error={error} what="this log" />;
  return (
    <>
      <Tools view={view} />
      <Remarks {...view} />
      <ScrollFrame
        className="log"
        ref={frame}
        aria-label="Log"
        onWheel={(event) => event.deltaY < 0 && setFollowing(false)}
      >
        <VisibleLines view={view} />
      </ScrollFrame>
    </>
  );
};
