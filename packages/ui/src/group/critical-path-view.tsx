import { Anchor, Text } from '@mantine/core';
import { useMemo } from 'react';
import { Lasted } from '../shell/moment.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { criticalPath } from './critical-path.ts';
import type { Line } from './lines.ts';

const shownMax = 12;

/** The chain of tasks that decides when the group is over, as links. */
export const CriticalPath = ({ lines }: { lines: readonly Line[] }) => {
  const link = useLink();
  const path = useMemo(() => criticalPath(lines), [lines]);
  const [first] = path;
  if (path.length < 2 || !first?.scheduled) return null;
  return (
    <Text size="sm">
      Critical path, <Lasted from={first.scheduled} to={path.at(-1)?.resolved} />:{' '}
      {path.slice(-shownMax).map((line, i) => (
        <span key={line.taskId}>
          {i > 0 ? ' → ' : path.length > shownMax ? '… → ' : ''}
          <Anchor {...link(paths.task(line.taskId))}>{line.name || line.taskId}</Anchor>
        </span>
      ))}
    </Text>
  );
};
