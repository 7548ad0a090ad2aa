import { NativeSelect } from '@mantine/core';
import type { ChangeTaskPriorityRequest } from '@taskyard/client/browser';
import { type ReactNode, useState } from 'react';
import { Confirmed } from './confirmed.tsx';

type Priority = ChangeTaskPriorityRequest['newPriority'];
const priorities: Priority[] = ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'];

/** A button that gives tasks another priority. */
export const PriorityChange = <Subject,>({
  subject,
  question,
  change,
  disabled,
}: {
  subject?: Subject;
  question: string | ((subject: Subject) => ReactNode);
  change: (newPriority: Priority, subject: Subject) => Promise<unknown>;
  disabled: boolean;
}) => {
  const [chosen, choose] = useState<Priority>('medium');
  return (
    <Confirmed<Subject>
      label="Priority"
      {...(subject === undefined ? {} : { subject })}
      question={question}
      run={(about) => change(chosen, about)}
      disabled={disabled}
    >
      <NativeSelect
        label="New priority"
        data={priorities}
        value={chosen}
        onChange={(event) => choose(event.currentTarget.value as Priority)}
      />
    </Confirmed>
  );
};
