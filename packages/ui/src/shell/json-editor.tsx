import { Alert, Button, Group, JsonInput, Stack } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Remedy } from './remedy.tsx';

/** An object that the user edits as JSON; why the server refuses it stands below. */
export const JsonEditor = ({
  label,
  value,
  save,
  words = 'Save',
  check,
  children,
}: {
  label: string;
  value: unknown;
  save: (edited: never) => Promise<unknown>;
  words?: string;
  /** What is wrong with the object, before anybody is asked to keep it. */
  check?: (edited: unknown) => readonly string[];
  children?: ReactNode;
}) => {
  const [text, setText] = useState(() => JSON.stringify(value, null, 2));
  const [trouble, setTrouble] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  let edited: unknown;
  try {
    edited = JSON.parse(text);
  } catch {
    edited = undefined;
  }
  const mistakes = edited === undefined || !check ? [] : check(edited);
  const submit = async () => {
    setBusy(true);
    setTrouble(undefined);
    try {
      await save(edited as never);
    } catch (error) {
      setTrouble(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack>
      {children}
      <JsonInput
        label={label}
        value={text}
        onChange={setText}
        autosize
        minRows={4}
        maxRows={24}
        spellCheck={false}
        validationError="This is no JSON"
        classNames={{ input: 'mono' }}
      />
      {mistakes.length > 0 && (
        <Alert color="yellow" title="What does not fit">
          <ul>
            {mistakes.map((mistake) => (
              <li key={mistake}>{mistake}</li>
            ))}
          </ul>
        </Alert>
      )}
      {trouble !== undefined && (
        <Alert color="red" role="alert">
          <Remedy error={trouble} />
        </Alert>
      )}
      <Group>
        <Button
          onClick={() => void submit()}
          loading={isBusy}
          disabled={edited === undefined || mistakes.length > 0}
        >
          {words}
        </Button>
      </Group>
    </Stack>
  );
};
