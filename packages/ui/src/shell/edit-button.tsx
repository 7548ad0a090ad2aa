import { Button, Modal, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { JsonEditor } from './json-editor.tsx';
import type { Check } from './schema-check.ts';

/** A button that opens an object to be edited, and for a new one asks for its name. */
export const EditButton = <Edited extends object>({
  words,
  title,
  label,
  value,
  save,
  nameLabel,
  loadCheck,
  disabled = false,
}: {
  words: string;
  title: string;
  /** What the object is. */
  label: string;
  value: Edited;
  save: (edited: Edited, name: string) => Promise<unknown>;
  nameLabel?: string;
  /** How what is edited is checked before it is kept. */
  loadCheck?: () => Promise<Check>;
  disabled?: boolean;
}) => {
  const [isOpen, { open, close }] = useDisclosure(false);
  const [name, setName] = useState('');
  const keep = async (edited: Edited) => {
    await save(edited, name.trim());
    close();
  };
  return (
    <>
      <Button size="xs" variant="default" onClick={open} disabled={disabled}>
        {words}
      </Button>
      <Modal opened={isOpen} onClose={close} title={title} size="lg">
        <JsonEditor label={label} value={value} save={keep} words="Keep" loadCheck={loadCheck}>
          {nameLabel && (
            <TextInput
              label={nameLabel}
              required
              data-autofocus
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
          )}
        </JsonEditor>
      </Modal>
    </>
  );
};
