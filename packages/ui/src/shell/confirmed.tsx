import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Remedy } from './remedy.tsx';

interface Asking<Subject> {
  readonly label: string;
  /** What is acted on. It is taken when the button is pressed: what changes on the page until the answer changes nothing. */
  readonly subject?: Subject;
  readonly question: string | ((subject: Subject) => ReactNode);
  readonly run: (subject: Subject) => Promise<unknown>;
  readonly disabled?: boolean;
  readonly danger?: boolean;
  /** Fields that are filled in before the answer. */
  readonly children?: ReactNode;
}

/** A button for what cannot be taken back, or concerns much: it asks first, and says what went wrong. */
export const Confirmed = <Subject,>({
  label,
  subject,
  question,
  run,
  disabled = false,
  danger = false,
  children,
}: Asking<Subject>) => {
  const [asked, setAsked] = useState<{ readonly subject: Subject; readonly label: string }>();
  const [isBusy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<unknown>();
  const open = () => {
    setTrouble(undefined);
    setAsked({ subject: subject as Subject, label });
  };
  const close = () => setAsked(undefined);
  const confirm = async (about: Subject) => {
    setBusy(true);
    setTrouble(undefined);
    try {
      await run(about);
      close();
    } catch (error) {
      setTrouble(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button
        size="xs"
        variant="default"
        {...(danger ? { className: 'danger' } : {})}
        onClick={open}
        disabled={disabled}
      >
        {label}
      </Button>
      <Modal opened={asked !== undefined} onClose={close} title={asked?.label}>
        {asked && (
          <Stack>
            <Text component="div">{typeof question === 'string' ? question : question(asked.subject)}</Text>
            {children}
            {trouble !== undefined && (
              <Alert color="red" role="alert">
                <Remedy error={trouble} />
              </Alert>
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                No
              </Button>
              <Button
                onClick={() => void confirm(asked.subject)}
                loading={isBusy}
                data-autofocus
                color={danger ? 'red.8' : 'blue.8'}
              >
                Yes
              </Button>
            </Group>
          </Stack>
        )}
      </Modal>
    </>
  );
};
