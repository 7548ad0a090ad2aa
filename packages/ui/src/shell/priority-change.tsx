import { NativeSelect } from '@mantine/core';
import type { ChangeTaskPriorityRequest } from '@taskyard/client/browser';
import { useState } from 'react';
import { Confirmed } from './confirmed.tsx';

type Priority = ChangeTaskPriorityRequest['newPriority'];
const priorities: Priority[] = ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'];

/** A button that gives tasks another priority. */
export const PriorityChange = ({
  question,
  change,
  disabled,
}: {
  question: string;
  change: (newPriority: Priority) => Promise<unknown>;
  disabled: boolean;
}) => {
  const [chosen, choose] = useState<Priority>('medium');
  return (
    <Confirmed label="Priority" question={question} run={() => change(chosen)} disabled={disabled}>
      <NativeSelect
        label="New priority"
        data={priorities}
        value={chosen}
        onChange={(event) => choose(event.currentTarget.value as Priority)}
      />
    </Confirmed>
  );
};
