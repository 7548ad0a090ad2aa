import { useRouterState } from '@tanstack/react-router';
import { pageOf } from '../page-paths.ts';
import { useLink } from '../shell/use-link.ts';

/** Properties of a link to the page to sign in, from where one comes back to the page that is open, with its query and mark. */
export const useSignInLink = () => {
  const link = useLink();
  const here = pageOf(useRouterState({ select: ({ location }) => location.href }));
  return link(here === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`);
};

/** Properties of a link to the page to sign in that leaves this one open, with what the user has typed in it. */
export const signInBeside = {
  href: `/sign-in?next=${encodeURIComponent('/sign-in/done')}`,
  target: '_blank',
  rel: 'noreferrer',
};
