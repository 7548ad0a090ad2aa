import { Text } from '@mantine/core';
import { useEffect } from 'react';
import { Page } from '../shell/page.tsx';
import { tellTabs } from './session.ts';
import { useSession } from './use-session.ts';

/** `/sign-in/done`: where signing in beside another page ends, which goes on then. */
export const SignedInPage = () => {
  const isSignedIn = useSession().kind === 'somebody';
  useEffect(() => {
    if (isSignedIn) tellTabs();
  }, [isSignedIn]);
  return (
    <Page title={isSignedIn ? 'You are signed in' : 'Sign in'}>
      {isSignedIn && <Text>The page that you came from goes on. You can close this one.</Text>}
    </Page>
  );
};
