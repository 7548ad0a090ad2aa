import { Alert, Button, Code, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Page } from '../shell/page.tsx';
import { Remedy } from '../shell/remedy.tsx';
import { admitCommandLine, commandLineOf, type WaitingCommandLine } from './command-line.ts';
import { useSession } from './use-session.ts';
import { useSignInLink } from './use-sign-in-link.ts';

/** `/sign-in/command-line`: where `taskyard signin` sends people, to let it act as them. */
export const CommandLinePage = ({ port, state }: { port: string; state: string }) => {
  const waiting = commandLineOf(port, state);
  return (
    <Page title="Sign in at the command line">
      {waiting ? (
        <Admission waiting={waiting} />
      ) : (
        <Alert color="red">
          This address is not complete. <Code>taskyard signin</Code> prints it.
        </Alert>
      )}
    </Page>
  );
};

const Admission = ({ waiting }: { waiting: WaitingCommandLine }) => {
  const session = useSession();
  const signInLink = useSignInLink();
  const admission = useMutation({ mutationFn: () => admitCommandLine(waiting) });
  if (session.kind === 'unknown') return null;
  if (session.kind !== 'somebody') {
    return (
      <Button component="a" style={{ alignSelf: 'start' }} {...signInLink}>
        Sign in first
      </Button>
    );
  }
  if (admission.data) {
    return (
      <Alert color="green" role="status" title="Done">
        The command line is signed in as <Code>{admission.data}</Code>. You can close this page.
      </Alert>
    );
  }
  return (
    <Stack align="flex-start">
      <Text>
        A command line on this computer, at port {waiting.port}, asks to do all that{' '}
        <Code>{session.clientId}</Code> may do, until your session would end, also when you sign out before.
        Say yes only if you have just begun this yourself.
      </Text>
      <Button onClick={() => admission.mutate()} loading={admission.isPending}>
        Let it act as me
      </Button>
      {admission.error && (
        <Alert color="red" role="alert" title="The command line was not signed in">
          <Remedy error={admission.error} />
        </Alert>
      )}
    </Stack>
  );
};
