import { Alert, Button, Code, Group, List, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Sessions, type ThirdPartyView } from '@taskyard/client/browser';
import { useEffect } from 'react';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { Remedy } from '../shell/remedy.tsx';
import { rootUrl } from './session.ts';
import { useSession } from './use-session.ts';
import { useSignInLink } from './use-sign-in-link.ts';

// The cookie of the session says who decides, so that no page of another site can.
const sessions = new Sessions({ rootUrl, retries: 2 });

/** `/third-party`: where other sites send people, to let these sites act as them. */
export const ThirdPartyPage = ({ query }: { query: string }) => {
  const session = useSession();
  const signInLink = useSignInLink();
  const asked = useQuery({
    queryKey: ['third-party', query, session.kind],
    queryFn: ({ signal }) => sessions.describeThirdParty({ query }, { signal }),
    enabled: session.kind === 'somebody',
  });
  return (
    <Page title="Let another site act as you">
      {(session.kind === 'nobody' || session.kind === 'ended') && (
        <Button component="a" style={{ alignSelf: 'start' }} {...signInLink}>
          Sign in first
        </Button>
      )}
      {session.kind === 'somebody' && (
        <Answer query={asked} what="what the site asks for">
          {(view) => <Question view={view} query={query} reread={() => void asked.refetch()} />}
        </Answer>
      )}
    </Page>
  );
};

/** Whether a site would still get nothing else than what the person has read. */
const isAsRead = (read: ThirdPartyView, now: ThirdPartyView): boolean =>
  now.clientId === read.clientId && now.scopes.every((scope) => read.scopes.includes(scope));

const Question = ({ view, query, reread }: { view: ThirdPartyView; query: string; reread: () => void }) => {
  const decision = useMutation({
    mutationFn: async (isAllowed: boolean) => {
      // In another tab another user may have signed in: the cookie is theirs then.
      const isConsent = isAllowed && !view.isWhitelisted;
      if (isConsent && !isAsRead(view, await sessions.describeThirdParty({ query }))) {
        reread();
        throw new Error(
          'Who is signed in, or what they may do, has changed. Read again what the site would get.',
        );
      }
      return sessions.admitThirdParty({ query, isAllowed });
    },
    onSuccess: ({ url }) => window.location.replace(url),
  });
  const { mutate } = decision;
  useEffect(() => {
    if (view.isWhitelisted) mutate(true);
  }, [view.isWhitelisted, mutate]);
  return (
    <Stack align="flex-start">
      <Text>
        The site <Code>{view.thirdParty}</Code> at <Code>{new URL(view.redirectUri).host}</Code> asks to act
        as <Code>{view.clientId}</Code>. Say yes only if you have come from there yourself. What it gets ends{' '}
        <Moment at={view.expires} />; until then you find it among your clients.
      </Text>
      {view.scopes.length === 0 ? (
        <Text>It would get no scopes: you have none of those that it asks for.</Text>
      ) : (
        <List aria-label="Scopes that it gets">
          {view.scopes.map((scope) => (
            <List.Item key={scope}>
              <Code>{scope}</Code>
            </List.Item>
          ))}
        </List>
      )}
      {!view.isWhitelisted && (
        <Group>
          <Button onClick={() => mutate(true)} loading={decision.isPending || decision.isSuccess}>
            Allow
          </Button>
          <Button variant="default" onClick={() => mutate(false)} disabled={decision.isPending}>
            Do not allow
          </Button>
        </Group>
      )}
      {decision.error && (
        <Alert color="red" role="alert" title="The site was not told">
          <Remedy error={decision.error} />
        </Alert>
      )}
    </Stack>
  );
};
