import { useQuery } from '@tanstack/react-query';
import { api } from '../session/api.ts';
import { allPages } from '../shell/all-pages.ts';

/** All clients, as far as pages of them are read. */
export const useClients = () =>
  useQuery({
    queryKey: ['clients'],
    queryFn: async ({ signal }) => {
      const { auth } = await api();
      return allPages(
        (continuationToken) => auth.listClients({ continuationToken, signal }),
        (page) => page.clients,
      );
    },
  });

export const useRoles = (isWanted = true) =>
  useQuery({
    queryKey: ['roles'],
    queryFn: async ({ signal }) => (await api()).auth.listRoles({ signal }),
    enabled: isWanted,
  });
