import { Anchor } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { Lasted } from '../shell/moment.tsx';
import { paths } from '../shell/paths.ts';
import { ScrollFrame } from '../shell/scroll-frame.tsx';
import { useShortcuts } from '../shell/shortcuts.ts';
import { StateMark } from '../shell/state-mark.tsx';
import { useLink } from '../shell/use-link.ts';
import type { Line } from './lines.ts';

/** The tasks that the user has chosen, by their ids: a place in the list is another task's a moment later. */
export interface Choice {
  readonly ids: ReadonlySet<string>;
  readonly toggle: (taskId: string) => void;
}

const Row = ({ line, choice }: { line: Line; choice: Choice }) => {
  const link = useLink();
  return (
    <>
      <input
        type="checkbox"
        aria-label={`Choose ${line.name || line.taskId}`}
        checked={choice.ids.has(line.taskId)}
        onChange={() => choice.toggle(line.taskId)}
      />
      <span>
        <Anchor {...link(paths.task(line.taskId))} title={line.taskId}>
          {line.name || line.taskId}
        </Anchor>
      </span>
      <span>
        <StateMark state={line.state} reason={line.reasonResolved} />
      </span>
      <span className="wide">
        <Anchor {...link(paths.queue(line.taskQueueId))}>{line.taskQueueId}</Anchor>
      </span>
      <span className="wide">{line.started && <Lasted from={line.started} to={line.resolved} />}</span>
    </>
  );
};

/** So many rows before the end of what is there, more is asked for. */
const aheadRows = 100;

/** The tasks of a group, of which only those in sight are drawn. */
export const GroupList = ({
  lines,
  choice,
  total = lines.length,
  readAt = 0,
  onEnd,
}: {
  lines: readonly Line[];
  choice: Choice;
  /** How many there are, where not all of them are loaded. */
  total?: number;
  /** When the lines were read, in milliseconds since 1970. */
  readAt?: number;
  /** The user comes near the end of what is loaded, or is still there after the lines were read again. */
  onEnd?: () => void;
}) => {
  const frame = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState('');
  const link = useLink();
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => 36,
    overscan: 12,
  });
  const lastDrawn = rows.getVirtualItems().at(-1)?.index ?? 0;
  const isNearEnd = lastDrawn >= lines.length - aheadRows;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what arrives may end near what is drawn, and nothing was loaded while it was read.
  useEffect(() => {
    if (isNearEnd) onEnd?.();
  }, [isNearEnd, lines.length, readAt]);
  /** The place of the current task; -1 where there is none, or filters hide it. */
  const place = () => lines.findIndex(({ taskId }) => taskId === current);
  const step = (by: number) => {
    const next = Math.min(lines.length - 1, Math.max(0, place() + by));
    setCurrent(lines[next]?.taskId ?? '');
    rows.scrollToIndex(next);
  };
  const open = () => {
    if (place() >= 0) link(paths.task(current)).onClick(new MouseEvent('click') as never);
  };
  useShortcuts([
    { keys: 'j', does: 'next task', run: () => step(1) },
    { keys: 'k', does: 'previous task', run: () => step(-1) },
    { keys: 'x', does: 'choose the task', run: () => place() >= 0 && choice.toggle(current) },
    { keys: 'o', does: 'open the task', run: open },
  ]);
  return (
    <ScrollFrame className="rows" ref={frame} aria-label="Tasks">
      <ul style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const line = lines[index];
          return (
            line && (
              <li
                key={line.taskId}
                aria-setsize={total}
                aria-posinset={index + 1}
                className={`row group-row${line.taskId === current ? ' is-current' : ''}`}
                style={{
                  position: 'absolute',
                  top: 0,
                  left: 0,
                  right: 0,
                  transform: `translateY(${start}px)`,
                }}
              >
                <Row line={line} choice={choice} />
              </li>
            )
          );
        })}
      </ul>
    </ScrollFrame>
  );
};
