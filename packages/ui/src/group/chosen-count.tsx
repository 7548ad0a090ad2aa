import { Button, Text } from '@mantine/core';
import type { useChoice } from './use-choice.ts';

/** How many tasks are chosen, with a button that chooses none; nothing while none are. */
export const ChosenCount = ({ choice: { ids, clear } }: { choice: ReturnType<typeof useChoice> }) =>
  ids.size > 0 && (
    <>
      <Text size="sm" aria-live="polite">
        {ids.size} chosen
      </Text>
      <Button size="compact-xs" variant="default" onClick={clear}>
        Choose none
      </Button>
    </>
  );
