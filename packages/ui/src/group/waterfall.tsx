import { Anchor, Text } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { useNow } from '../shell/moment.tsx';
import { paths } from '../shell/paths.ts';
import { ScrollFrame } from '../shell/scroll-frame.tsx';
import { durationText } from '../shell/times.ts';
import { useLink } from '../shell/use-link.ts';
import type { Line } from './lines.ts';

const msOf = (at: string | undefined, otherwise: number): number => (at ? new Date(at).getTime() : otherwise);

/** When tasks waited for others and for a worker, and when their last runs ran, one under the other. */
export const Waterfall = ({ lines }: { lines: readonly Line[] }) => {
  const frame = useRef<HTMLDivElement>(null);
  const link = useLink();
  const now = useNow().getTime();
  const begun = lines
    .filter(({ scheduled }) => scheduled)
    .sort((a, b) => msOf(a.scheduled, 0) - msOf(b.scheduled, 0));
  const rows = useVirtualizer({
    count: begun.length,
    getScrollElement: () => frame.current,
    estimateSize: () => 26,
    overscan: 10,
  });
  if (begun.length === 0) return <Text c="dimmed">Nothing has been scheduled.</Text>;
  const from = msOf(begun[0]?.scheduled, now);
  const to = begun.reduce((latest, { resolved }) => Math.max(latest, msOf(resolved, now)), from + 1);
  const share = (ms: number) => `${((ms - from) / (to - from)) * 100}%`;
  const part = (start: number, end: number) => ({
    left: share(start),
    width: `${((end - start) / (to - from)) * 100}%`,
  });
  return (
    <>
      <Text size="sm" c="dimmed">
        {durationText(to - from)} in all. Grey: waiting for other tasks. Amber: waiting for a worker to boot
        and claim it. Then running, in the colour of its state.
      </Text>
      <ScrollFrame className="rows" ref={frame} aria-label="Waterfall">
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const line = begun[index];
            if (!line) return null;
            const scheduled = msOf(line.scheduled, from);
            const ended = msOf(line.resolved, now);
            const started = msOf(line.started, ended);
            // What has no dependencies may have been created later than the first task of its group.
            const waitsForOthers = line.dependencies.length > 0;
            const words = [
              ...(waitsForOthers ? [`waited ${durationText(scheduled - from)} for other tasks`] : []),
              `waited ${durationText(started - scheduled)} for a worker`,
              ...(line.started ? [`ran ${durationText(ended - started)}`] : []),
            ].join(', ');
            return (
              <div
                key={line.taskId}
                className="row"
                style={{
                  gridTemplateColumns: 'minmax(90px, 1fr) 3fr',
                  height: 26,
                  position: 'absolute',
                  top: 0,
                  left: 0,
                  right: 0,
                  transform: `translateY(${start}px)`,
                }}
              >
                <Anchor size="xs" {...link(paths.task(line.taskId))}>
                  {line.name || line.taskId}
                </Anchor>
                <div className="lane" role="img" aria-label={words} title={words}>
                  {waitsForOthers && <span className="fill-unscheduled" style={part(from, scheduled)} />}
                  <span className="fill-pending" style={part(scheduled, started)} />
                  {line.started && <span className={`fill-${line.state}`} style={part(started, ended)} />}
                </div>
              </div>
            );
          })}
        </div>
      </ScrollFrame>
    </>
  );
};
