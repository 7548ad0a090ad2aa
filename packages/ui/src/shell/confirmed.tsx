import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { Remedy } from './remedy.tsx';

/** A button for what cannot be taken back, or concerns much: it asks first, and says what went wrong. */
export const Confirmed = ({
  label,
  question,
  run,
  disabled = false,
  danger = false,
  children,
}: {
  label: string;
  question: string;
  run: () => Promise<unknown>;
  disabled?: boolean;
  danger?: boolean;
  /** Fields that are filled in before the answer. */
  children?: ReactNode;
}) => {
  const [isOpen, { open, close }] = useDisclosure(false);
  const [isBusy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<unknown>();
  const confirm = async () => {
    setBusy(true);
    setTrouble(undefined);
    try {
      await run();
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
      <Modal opened={isOpen} onClose={close} title={label}>
        <Stack>
          <Text>{question}</Text>
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
              onClick={() => void confirm()}
              loading={isBusy}
              data-autofocus
              color={danger ? 'red.8' : 'blue.8'}
            >
              Yes
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
};
