import { useQuery } from '@tanstack/react-query';
import { Sessions } from '@taskyard/client/browser';
import { rootUrl } from './session.ts';

/** Where people may sign in besides; none while that is not known. */
export const useIdentityProviders = () => {
  const { data } = useQuery({
    queryKey: ['identity-providers'],
    queryFn: ({ signal }) => new Sessions({ rootUrl, retries: 2 }).identityProviders({ signal }),
  });
  return data?.providers ?? [];
};
