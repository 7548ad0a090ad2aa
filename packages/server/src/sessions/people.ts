import { days, later, oneByOne, type Transaction, type Work } from '../base/index.ts';
import type { Context } from './context.ts';
import { identityOf, type Organization, type Person } from './identity-providers/index.ts';
import { type BegunSession, beginSessions } from './session.ts';
import * as store from './store.ts';

/** Groups are read at sign-in, so a person who leaves one loses its scopes within a day. */
const sessionLastsMs = days(1);

/** The number of earlier names that count beside the present one. Credentials must fit into a header. */
const earlierNamesMax = 5;

/** A person who has proved their identity to an identity provider. */
export interface Visitor extends Person {
  readonly provider: string;
}

/**
 * Begins sessions of people without a client. The id at the provider decides, not the name: people who change their name keep
 * the roles of their earlier identities, and nobody else who takes that name gets them. A role that is named for an
 * organization counts only for the organization that had the name first.
 */
export const admitPeople = oneByOne(
  async (tx, visitor: Visitor, work: Work<Context>): Promise<BegunSession> => {
    const { provider, id } = visitor;
    const clientId = identityOf(provider, visitor);
    const earlierNames = await store.noteName(tx, {
      provider,
      personId: id,
      name: visitor.name ?? '',
      now: work.now,
      earlierMax: earlierNamesMax,
    });
    const earlierIdentities = earlierNames.map((name) => identityOf(provider, { id, name }));
    const roleIds = [
      ...[clientId, ...earlierIdentities].map((identity) => `login-identity:${identity}`),
      ...(await rolesOf(tx, visitor, work)),
    ];
    const session = {
      clientId,
      scopes: roleIds.map((roleId) => `assume:${roleId}`),
      expires: later(work.now, sessionLastsMs),
    };
    const [begun] = await beginSessions(tx, [session], work);
    return begun as BegunSession;
  },
);

/** The roles of a person, without those of organizations that have taken the name of another. */
const rolesOf = async (
  tx: Transaction,
  { provider, roles }: Visitor,
  { now, context }: Work<Context>,
): Promise<string[]> => {
  const organizations = roles.flatMap(({ organization }) => organization ?? []);
  const owners = await store.claimNames(tx, { provider, organizations: organizations.map(inSmall), now });
  const isIts = (organization: Organization): boolean => {
    const { id, name } = inSmall(organization);
    // Not by the name alone: every object has a `constructor`, and an organization may be called that.
    const owner = Object.hasOwn(context.organizations, name) ? context.organizations[name] : owners.get(name);
    if (owner !== id)
      context.log.warn(
        { provider, organization: name, id, owner },
        'an organization has a name that was that of another, so its roles do not count; ' +
          'set github.organizations to say whose the name is',
      );
    return owner === id;
  };
  return roles.filter(({ organization }) => !organization || isIts(organization)).map(({ roleId }) => roleId);
};

const inSmall = ({ id, name }: Organization): Organization => ({ id, name: name.toLowerCase() });
