import type { IncomingHttpHeaders } from 'node:http';
import { type Batched, RequestError, type Verb } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { BodyProof } from '../../http/index.ts';
import { requireSettings } from '../configured.ts';
import type { Context } from '../context.ts';
import { eventHappened } from '../events.ts';
import { partsOf } from '../names.ts';
import { eventIdPattern } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { type Event, type Restored, readEvent, SignatureProof } from '../webhook/index.ts';
import { type Named, noteRepositories } from './note-repositories.ts';

/** A delivery whose signature is good. */
export interface Delivery {
  readonly row: store.DeliveryRow;
  readonly event: Event;
}

const isNumbered = (row: store.DeliveryRow): row is store.DeliveryRow & Named => row.repositoryId !== null;

/**
 * Keeps deliveries and says what has happened; returns for each whether it was new. What is to be done about it comes after
 * the commit: GitHub waits ten seconds for our answer. One that comes again finds the work done.
 */
export const receiveDeliveries: Verb<Delivery, boolean, Context> = async (
  tx,
  deliveries,
  { now, context },
) => {
  const distinct = new Map(deliveries.map((delivery) => [delivery.row.eventId, delivery]));
  const rows = [...distinct.values()].map(({ row }) => row);
  const fresh = new Set(await store.insertDeliveries(tx, rows, now));
  const told = [...distinct.values()].filter(({ row }) => fresh.has(row.eventId));
  // One that comes again may have been sent before its repository was renamed.
  await noteRepositories(tx, told.map(({ row }) => row).filter(isNumbered), { now, context });
  const messages = told.flatMap(({ row, event }) => eventHappened(row, event));
  await outbox.append(tx, messages, now);
  tx.afterCommit(() => context.arrived.wake());
  return deliveries.map(({ row }) => fresh.has(row.eventId));
};

/** A request to the webhook. */
export interface WebhookRequest {
  readonly headers: IncomingHttpHeaders;
  /** The body as it came. */
  readonly payload: string;
}

const guid = new RegExp(eventIdPattern);

const header = (headers: IncomingHttpHeaders, name: string): string => {
  const value = headers[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new RequestError('InvalidRequestArguments', `The header ${name} is missing.`);
};

const parse = (text: string): unknown => {
  if (text.startsWith('payload='))
    throw new RequestError('MalformedPayload', 'Set the content type of the webhook to application/json.');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RequestError('MalformedPayload', `The body is no JSON: ${(error as Error).message}`);
  }
};

/**
 * Refuses by its headers what can be no delivery: where there is no app, or where nothing is signed. Returns what proves the
 * body: nobody else's is looked at.
 */
export const expectDelivery = (context: Context, headers: IncomingHttpHeaders): BodyProof =>
  new SignatureProof(headers, requireSettings(context).webhookSecrets);

/** The verbs that a delivery begins with. */
export interface Receiving {
  readonly receiveDeliveries: Batched<Delivery, boolean>;
  readonly noteRepositories: Batched<Named, undefined>;
  readonly restoreBuilds: Batched<Restored, undefined>;
}

interface Located {
  readonly repository: { readonly full_name: string };
  readonly installation?: { readonly id: number } | undefined;
}

const nameIn = ({ repository, installation }: Located) => ({
  ...partsOf(repository.full_name),
  installationId: installation?.id ?? null,
});

const numberOf = ({ id }: { readonly id?: unknown }): number | null =>
  Number.isSafeInteger(id) ? (id as number) : null;

/** Takes a delivery of GitHub whose signature is good; returns in words what will become of it. */
export const receive = async (
  context: Context,
  verbs: Receiving,
  { headers, payload: text }: WebhookRequest,
): Promise<string> => {
  const [eventType, eventId] = [header(headers, 'x-github-event'), header(headers, 'x-github-delivery')];
  if (!guid.test(eventId))
    throw new RequestError(
      'InvalidRequestArguments',
      'The header x-github-delivery holds no id of a delivery.',
    );
  const read = readEvent(eventType, parse(text));
  if ('renamed' in read) {
    await verbs.noteRepositories.one({ ...nameIn(read.renamed), repositoryId: read.renamed.repository.id });
    return 'The name of the repository is noted.';
  }
  if ('restored' in read) {
    await verbs.restoreBuilds.one(read.restored);
    return 'GitHub is told again what it refused lately.';
  }
  if ('ignored' in read) return read.ignored;
  const { event } = read;
  const row = {
    eventId,
    eventType,
    ...nameIn(event.payload),
    repositoryId: numberOf(event.payload.repository),
    payload: text,
    receivedAt: context.clock.now(),
  };
  const isNew = await verbs.receiveDeliveries.one({ row, event });
  return isNew ? 'Kept; it is worked off in a moment.' : 'It is known already.';
};
