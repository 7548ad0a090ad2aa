import { Alert, Anchor, Button, Group, JsonInput, Stack } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { lineAt, placesIn } from './json-places.ts';
import { Remedy } from './remedy.tsx';
import type { Check, Mistake } from './schema-check.ts';

const shownMax = 20;

/** What is wrong, by the lines of the text; a click leads there. */
const Mistakes = ({
  text,
  mistakes,
  goTo,
}: {
  text: string;
  mistakes: readonly Mistake[];
  goTo: (place: number) => void;
}) => {
  if (mistakes.length === 0) return null;
  const places = placesIn(text);
  // Several kinds of an object may each lack the same.
  const different = new Map(mistakes.map((mistake) => [`${mistake.pointer} ${mistake.message}`, mistake]));
  const placed = [...different]
    .map(([key, mistake]) => ({ ...mistake, key, place: places.get(mistake.pointer) ?? 0 }))
    .sort((a, b) => a.place - b.place);
  return (
    <Alert color="yellow" title="What does not fit">
      <ul>
        {placed.slice(0, shownMax).map(({ key, pointer, message, place }) => {
          const field = pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
          return (
            <li key={key}>
              <Anchor component="button" type="button" size="sm" onClick={() => goTo(place)}>
                Line {lineAt(text, place)}
              </Anchor>
              : {field && <code>{field}</code>} {message}
            </li>
          );
        })}
        {placed.length > shownMax && <li>and {placed.length - shownMax} more</li>}
      </ul>
    </Alert>
  );
};

/** A check that has to be loaded; none where it cannot be, since the server checks what it is sent all the same. */
const useCheck = (load: (() => Promise<Check>) | undefined): Check => {
  const [check, setCheck] = useState<Check>(() => () => []);
  const first = useRef(load);
  useEffect(() => {
    let isLeft = false;
    first.current?.().then(
      (loaded) => !isLeft && setCheck(() => loaded),
      () => {},
    );
    return () => {
      isLeft = true;
    };
  }, []);
  return check;
};

/** An object that the user edits as JSON, with what is wrong with it, and why the server refuses it. */
export const JsonEditor = ({
  label,
  value,
  save,
  words = 'Save',
  loadCheck,
  children,
}: {
  label: string;
  value: unknown;
  save: (edited: never) => Promise<unknown>;
  words?: string;
  /** What is wrong with the object, before anybody is asked to keep it. */
  loadCheck?: (() => Promise<Check>) | undefined;
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
  const check = useCheck(loadCheck);
  const mistakes = edited === undefined ? [] : check(edited);
  const field = useRef<HTMLTextAreaElement>(null);
  const goTo = (place: number) => {
    field.current?.focus();
    field.current?.setSelectionRange(place, place);
  };
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
        ref={field}
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
      <Mistakes text={text} mistakes={mistakes} goTo={goTo} />
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
