import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { GetClientResponse } from '@taskyard/client/browser';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { EditButton } from '../shell/edit-button.tsx';
import { Facts } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { Scopes } from './scopes.tsx';

const editable = ({ description, expires, scopes, deleteOnExpiration }: GetClientResponse) => ({
  description,
  expires,
  scopes,
  deleteOnExpiration,
});

/** `/auth/clients/<clientId>` */
export const ClientPage = () => {
  const { clientId = '' } = useParams({ strict: false });
  const client = useQuery({
    queryKey: ['client', clientId],
    queryFn: async ({ signal }) => (await api()).auth.client(clientId, { signal }),
  });
  const isDisabled = client.data?.disabled === true;
  const turn = async () => {
    const { auth } = await api();
    await (isDisabled ? auth.enableClient(clientId) : auth.disableClient(clientId));
    await client.refetch();
  };
  return (
    <Page
      kind="Client"
      title={clientId}
      actions={
        client.data && (
          <>
            <EditButton
              words="Edit"
              title="Change the client"
              label="Client"
              value={editable(client.data)}
              save={async (edited) => {
                await (await api()).auth.updateClient(clientId, edited);
                await client.refetch();
              }}
            />
            <Confirmed
              label={isDisabled ? 'Enable' : 'Disable'}
              question={
                isDisabled
                  ? 'Let this client in again?'
                  : 'Let nobody in with the credentials of this client?'
              }
              run={turn}
              danger={!isDisabled}
            />
          </>
        )
      }
    >
      <Answer query={client} what="this client">
        {(known) => (
          <>
            <Facts
              facts={[
                ['State', known.disabled ? 'disabled' : 'enabled'],
                ['For', known.description || 'not said'],
                ['Used', <Moment key="used" at={known.lastDateUsed} />],
                ['Expires', <Moment key="expires" at={known.expires} />],
                ['Token changed', <Moment key="rotated" at={known.lastRotated} />],
              ]}
            />
            <Scopes given={known.scopes} expanded={known.expandedScopes} />
          </>
        )}
      </Answer>
    </Page>
  );
};
