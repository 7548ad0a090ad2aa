import { Alert, Button, Code, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api } from '../session/api.ts';
import { useSession } from '../session/use-session.ts';
import { useSignInLink } from '../session/use-sign-in-link.ts';
import { Answer, Page } from '../shell/page.tsx';
import { Remedy } from '../shell/remedy.tsx';
import { callbackFor, moment, type NewClientSearch, newClientId, ownScopes } from './new-client.ts';

interface Created {
  readonly clientId: string;
  readonly accessToken: string;
}

const Form = ({ own, held, search }: { own: string; held: readonly string[]; search: NewClientSearch }) => {
  const [trouble, setTrouble] = useState<unknown>();
  const [created, setCreated] = useState<Created>();
  const [isBusy, setBusy] = useState(false);
  const wanted = [search.scope ?? []].flat();
  const create = async (fields: FormData) => {
    const field = (name: string) => String(fields.get(name) ?? '').trim();
    const expires = moment(field('expires'));
    if (!expires) throw new Error(`"${field('expires')}" is neither a date nor a time from now`);
    const { auth } = await api();
    const made = await auth.createClient(field('clientId'), {
      description: field('description'),
      expires: expires.toJSON(),
      scopes: [
        ...new Set(
          field('scopes')
            .split(/\s*\n\s*/)
            .filter(Boolean),
        ),
      ],
      deleteOnExpiration: true,
    });
    const callback = callbackFor(search.callback_url, made);
    if (callback) window.location.assign(callback);
    else setCreated(made);
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    setTrouble(undefined);
    create(new FormData(event.currentTarget))
      .catch(setTrouble)
      .finally(() => setBusy(false));
  };
  if (created) {
    return (
      <Alert color="green" title={`${created.clientId} has been created`}>
        <Text>Keep its access token: nothing shows it again.</Text>
        <Code block>{created.accessToken}</Code>
      </Alert>
    );
  }
  return (
    <form onSubmit={submit}>
      <Stack maw={640}>
        {search.callback_url && (
          <Text>
            A program on this machine asks for credentials of yours. Create them only if you have started it.
          </Text>
        )}
        <TextInput
          name="clientId"
          label="Client"
          required
          defaultValue={newClientId(own, search.name ?? 'cli')}
        />
        <TextInput name="description" label="What it is for" defaultValue={search.description ?? ''} />
        <TextInput
          name="expires"
          label="Expires"
          description="A date, or a time from now"
          required
          defaultValue={search.expires ?? '1 day'}
        />
        <Textarea
          name="scopes"
          label="Scopes, one in a line"
          autosize
          maxRows={16}
          spellCheck={false}
          defaultValue={(wanted.length > 0 ? wanted : ownScopes(own, held)).join('\n')}
        />
        {trouble !== undefined && (
          <Alert color="red" role="alert">
            <Remedy error={trouble} />
          </Alert>
        )}
        <Button type="submit" loading={isBusy} style={{ alignSelf: 'flex-start' }}>
          Create
        </Button>
      </Stack>
    </form>
  );
};

/** `/auth/clients/new`: also where command lines send their users to. */
export const NewClientPage = () => {
  const session = useSession();
  const signInLink = useSignInLink();
  const search = useSearch({ strict: false }) as NewClientSearch;
  const own = 'clientId' in session ? session.clientId : '';
  const scopes = useQuery({
    queryKey: ['own-scopes', own],
    queryFn: async ({ signal }) => (await api()).auth.currentScopes({ signal }),
    enabled: session.kind === 'somebody',
  });
  return (
    <Page title="New client">
      {session.kind === 'nobody' && (
        <Button component="a" {...signInLink}>
          Sign in first
        </Button>
      )}
      {own !== '' && (
        <Answer query={scopes} what="your scopes">
          {(held) => <Form own={own} held={held.scopes} search={search} />}
        </Answer>
      )}
    </Page>
  );
};
