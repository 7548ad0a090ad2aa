import { Anchor, Button } from '@mantine/core';
import { Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { useClients } from './queries.ts';

/** `/auth/clients` */
export const ClientsPage = () => {
  const link = useLink();
  const clients = useClients();
  return (
    <Page
      title="Clients"
      actions={
        <Button component="a" size="xs" variant="default" {...link('/auth/clients/new')}>
          New client
        </Button>
      }
    >
      <Answer query={clients} what="clients">
        {(all) => (
          <Listing
            what="a client"
            columns={['Client', 'Used', 'Expires', 'State']}
            nothing="There are no clients."
            rows={all.map(({ clientId, lastDateUsed, expires, disabled }) => ({
              key: clientId,
              cells: [
                <Anchor key="id" {...link(paths.client(clientId))}>
                  {clientId}
                </Anchor>,
                <Moment key="used" at={lastDateUsed} />,
                <Moment key="expires" at={expires} />,
                disabled ? 'disabled' : 'enabled',
              ],
            }))}
          />
        )}
      </Answer>
    </Page>
  );
};
