import { Alert, Button, Checkbox, Group, Text, TextInput } from '@mantine/core';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { Failure } from '../shell/failure.tsx';
import { messageOf } from '../shell/messages.ts';
import { ScrollFrame } from '../shell/scroll-frame.tsx';
import { useShortcuts } from '../shell/shortcuts.ts';
import { LogLine } from './log-line.tsx';
import { foundMax, isAmong, Matches } from './log-scan.ts';
import { linkedLines } from './log-text.ts';
import { useLineWindow } from './use-line-window.ts';
import { type Log, type LogRef, useLog } from './use-log.ts';

/** What an address says that is to be shown: `#error`, or lines. */
const useHash = (): [string, (hash: string) => void] => {
  const [hash, setHash] = useState(() => window.location.hash);
  useEffect(() => {
    const read = () => setHash(window.location.hash);
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
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

const useSearch = ({ text, version, want }: Log) => {
  const [words, setWords] = useState('');
  const wanted = useDeferredValue(words);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was found is of one log.
  const matches = useMemo(() => new Matches(wanted), [wanted, text]);
  const found = matches.in(text);
  const next = matches.goesOnAt(text);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each version is a step of a long search.
  useEffect(() => {
    if (next !== undefined) want(next, 'search');
  }, [next, version, want]);
  // None has been gone to yet: the first step leads to the first one.
  const [at, setAt] = useState(-1);
  const search = (next: string) => {
    setWords(next);
    setAt(-1);
  };
  return { words, search, found, isSearching: next !== undefined, at: Math.min(at, found.length - 1), setAt };
};

/** Goes to what the address names, once, as soon as the line is there; returns how to say that it has been shown. */
const useLinkedLine = (
  { hash, target }: { hash: string; target: number },
  { count, show }: { count: number; show: (number: number) => void },
) => {
  const shown = useRef('');
  useEffect(() => {
    if (shown.current === hash || target < 0 || target >= count) return;
    shown.current = hash;
    show(target);
  }, [hash, target, count, show]);
  return (next: string) => {
    shown.current = next;
  };
};

/** Has the lines read again that are to be drawn and were let go. */
const useMissingLines = ({ text, version, want }: Log, drawn: readonly { readonly number: number }[]) => {
  const missing = drawn.find(({ number }) => text.line(number) === undefined)?.number;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each version may have let go what it brought.
  useEffect(() => {
    if (missing !== undefined) want(missing, 'show');
  }, [missing, version, want]);
};

/** All that a log view knows and does, without its looks. */
const useLogView = (ref: LogRef) => {
  const log = useLog(ref);
  const { text, isOver, errorAt } = log;
  const { count } = text;
  const frame = useRef<HTMLElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [hash, setHash] = useHash();
  const [isFollowing, setFollowing] = useState(hash === '');
  const search = useSearch(log);
  const { found, at, setAt } = search;
  const linked = linkedLines(hash);
  const lines = useLineWindow(frame, count);
  useMissingLines(log, lines.drawn);
  const show = (number: number) => {
    setFollowing(false);
    lines.show(number, 'center');
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
  // What the worker says is an error only where nothing else is, which is known at the end.
  const isError = isOver || !text.line(errorAt)?.startsWith('[taskcluster');
  const target = hash === '#error' ? (isError ? errorAt : -1) : (linked?.from ?? -1);
  const markShown = useLinkedLine({ hash, target }, { count, show });
  const link = (number: number, isRange: boolean) => {
    const next = isRange && linked ? `#L${linked.from + 1}-L${number + 1}` : `#L${number + 1}`;
    markShown(next);
    setHash(next);
    setFollowing(false);
  };
  const showEnd = lines.show;
  useEffect(() => {
    if (isFollowing && count > 0) showEnd(count - 1, 'end');
  }, [isFollowing, count, showEnd]);
  return {
    ...log,
    count,
    linked,
    isFollowing,
    setFollowing,
    frame,
    field,
    search,
    lines,
    step,
    toError,
    link,
  };
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
  const { count, isOver, errorAt, isFollowing, setFollowing, field, search, step, toError } = view;
  const { words, found, isSearching, at } = search;
  const number = `${found.length}${found.length >= foundMax ? ' or more' : ''}`;
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
          {found.length > 0 && `${Math.max(at, 0) + 1} of ${number}`}
          {found.length === 0 && !isSearching && 'nothing found'}
          {isSearching && ' searching…'}
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
      {/* Not a live region: who listens to the page would hear of each line of a live log. */}
      <Text size="sm" c="dimmed">
        {count} lines{isOver ? '' : ', live'}
      </Text>
    </Group>
  );
};

const Remarks = ({ error, lost }: View) => (
  <>
    {error !== undefined && (
      <Alert color="yellow">
        This is what there was when the worker ended; it kept no log for later: {messageOf(error)}
      </Alert>
    )}
    {lost !== undefined && (
      <Alert color="yellow">
        The log is large, and some of its lines could not be read again: {messageOf(lost)}
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
  const { text, lines, link } = view;
  return (
    <div style={{ height: lines.height, position: 'relative' }}>
      {lines.drawn.map(({ number, start }) => (
        <div
          key={number}
          className={`log-line${markOf(number, view)}`}
          style={{
            position: 'absolute',
            top: 0,
            left: 0,
            minWidth: '100%',
            transform: `translateY(${start}px)`,
          }}
        >
          <a
            href={`#L${number + 1}`}
            onClick={(event) => {
              event.preventDefault();
              link(number, event.shiftKey);
            }}
          >
            {number + 1}
          </a>
          <LogLine text={text.line(number) ?? '…'} />
        </div>
      ))}
    </div>
  );
};

/** Keys that leave the end of a log. */
const upwards = new Set(['Home', 'PageUp', 'ArrowUp']);

/** A log: in colours, live, with search, and links to its lines. */
export const LogView = ({ log: ref }: { log: LogRef }) => {
  const view = useLogView(ref);
  useLogShortcuts(view);
  const { count, error, frame, setFollowing } = view;
  if (error !== undefined && count === 0) return <Failure error={error} what="this log" />;
  return (
    <>
      <Tools view={view} />
      <Remarks {...view} />
      <ScrollFrame
        className="log"
        ref={frame}
        aria-label="Log"
        onWheel={(event) => event.deltaY < 0 && setFollowing(false)}
        onTouchMove={() => setFollowing(false)}
        onKeyDown={({ key }) => upwards.has(key) && setFollowing(false)}
      >
        <VisibleLines view={view} />
      </ScrollFrame>
    </>
  );
};
