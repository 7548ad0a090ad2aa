import { Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams, useRouter } from '@tanstack/react-router';
import type { Secret } from '@taskyard/client/browser';
import { useState } from 'react';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { JsonEditor } from '../shell/json-editor.tsx';
import { Answer, Page } from '../shell/page.tsx';

const Shown = ({ name }: { name: string }) => {
  const secret = useQuery({
    queryKey: ['secret', name],
    queryFn: async ({ signal }) => (await api()).secrets.get(name, { signal }),
    // It is not kept for later, and it is not read again while a user edits it.
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const save = async (edited: Secret) => {
    await (await api()).secrets.set(name, edited);
    await secret.refetch();
  };
  return (
    <Answer query={secret} what="this secret">
      {(known) => <JsonEditor label="Secret, and when it expires" value={known} save={save} />}
    </Answer>
  );
};

/** `/secrets/<name>`: it is read when a user says so, since others may look at the screen. */
export const SecretPage = () => {
  const { name = '' } = useParams({ strict: false });
  const router = useRouter();
  const [isShown, setShown] = useState(false);
  const remove = async () => {
    await (await api()).secrets.remove(name);
    await router.navigate({ href: '/secrets' });
  };
  return (
    <Page
      kind="Secret"
      title={name}
      actions={
        <Confirmed
          label="Remove"
          question={`Forget the secret ${name}? Nobody can bring it back.`}
          run={remove}
          danger
        />
      }
    >
      {isShown ? (
        <Shown name={name} />
      ) : (
        <>
          <Text>It is not shown until you say so: somebody may look over your shoulder.</Text>
          <div>
            <Button onClick={() => setShown(true)}>Show and edit</Button>
          </div>
        </>
      )}
    </Page>
  );
};
