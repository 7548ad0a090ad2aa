import {
  Alert,
  Button,
  Code,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { pageOf } from '../page-paths.ts';
import { messageOf } from '../shell/messages.ts';
import { useIdentityProviders } from './identity-providers.ts';
import { signInByCode, signInByCredentials } from './session.ts';
import { takeCode } from './sign-in-code.ts';

const failures: Readonly<Record<string, string>> = {
  denied: 'The identity provider did not let you in.',
  expired: 'That took too long, was begun in another browser, or has been used already. Try again.',
  unreachable: 'The identity provider did not answer as it should. The log of the server says why.',
};

/** `/sign-in`: by an identity provider, by the code in the address, or by credentials. */
export const SignInPage = ({ next, failed }: { next: string; failed: string }) => {
  const providers = useIdentityProviders();
  const router = useRouter();
  const [trouble, setTrouble] = useState<string | undefined>(failures[failed]);
  const [isBusy, setBusy] = useState(false);

  const attempt = async (signIn: () => Promise<void>) => {
    setBusy(true);
    setTrouble(undefined);
    try {
      await signIn();
      await router.navigate({ href: pageOf(next), replace: true });
    } catch (error) {
      setTrouble(messageOf(error));
      setBusy(false);
    }
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a code works once, so it is used once.
  useEffect(() => {
    const code = takeCode();
    if (code) void attempt(() => signInByCode(code));
  }, []);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const field = (name: string) => String(fields.get(name) ?? '').trim();
    const certificate = field('certificate');
    void attempt(() =>
      signInByCredentials({
        clientId: field('clientId'),
        accessToken: field('accessToken'),
        ...(certificate ? { certificate } : {}),
      }),
    );
  };

  return (
    <Stack maw={520} mx="auto" gap="md">
      <Title order={1} size="h3">
        Sign in
      </Title>
      {trouble && (
        <Alert color="red" title="That did not work" role="alert">
          {trouble}
        </Alert>
      )}
      {providers.map(({ name, title }) => (
        <Button
          key={name}
          component="a"
          href={`/api/sessions/v1/sign-in/${name}?next=${encodeURIComponent(next)}`}
          size="md"
        >
          Sign in with {title}
        </Button>
      ))}
      <Text>
        <Code>tyard serve</Code> prints a link that signs you in; <Code>tyard signin</Code> prints another
        one.
      </Text>
      <Paper withBorder p="md" component="form" onSubmit={submit}>
        <Stack>
          <Text fw={600}>Or with credentials</Text>
          <TextInput name="clientId" label="Client" required autoComplete="username" />
          <PasswordInput name="accessToken" label="Access token" required autoComplete="current-password" />
          <Textarea
            name="certificate"
            label="Certificate"
            description="Of temporary credentials. They serve until you leave or reload the page."
            autosize
          />
          <Button type="submit" loading={isBusy}>
            Sign in
          </Button>
        </Stack>
      </Paper>
    </Stack>
  );
};
