import { pagination, type Route, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { NotifyVerbs } from './service.ts';

export interface NotifyServices {
  readonly notify: NotifyVerbs;
}

const endpoint = routeFor<NotifyServices>();

const sending = { method: 'POST', category: 'Notifications', stability: 'experimental' } as const;
const denylist = {
  category: 'Denylist',
  stability: 'experimental',
  scopes: 'notify:manage-denylist',
} as const;
const twice = 'The same message again within ten minutes is answered by 204, and sent once.';

export const routes: readonly Route<NotifyServices>[] = [
  endpoint(
    {
      ...sending,
      name: 'email',
      path: '/email',
      scopes: 'notify:email:<address>',
      input: schema.emailRequest,
      title: 'Send a mail',
      description:
        'Accepts a mail, to be sent soon. An address gets 50 in ten minutes; more are answered by 204, and ' +
        `dropped. ${twice}`,
    },
    ({ notify }, { body, authorize }) => {
      authorize({ address: body.address });
      return notify.requestEmail(body);
    },
  ),
  endpoint(
    {
      ...sending,
      name: 'pulse',
      path: '/pulse',
      scopes: 'notify:pulse:<routingKey>',
      input: schema.pulseRequest,
      title: 'Publish a message',
      description:
        'Publishes a message on the exchange `notification`, under a routing key that the caller chooses. ' +
        twice,
    },
    ({ notify }, { body, authorize }) => {
      authorize({ routingKey: body.routingKey });
      return notify.requestPulse(body);
    },
  ),
  endpoint(
    {
      ...sending,
      name: 'matrix',
      path: '/matrix',
      scopes: 'notify:matrix-room:<roomId>',
      input: schema.matrixRequest,
      title: 'Write to a Matrix room',
      description:
        'Accepts a message, to be sent soon. The Matrix user of the platform must have been invited to the ' +
        `room. ${twice}`,
    },
    ({ notify }, { body, authorize }) => {
      authorize({ roomId: body.roomId });
      return notify.requestMatrix(body);
    },
  ),
  endpoint(
    {
      ...sending,
      name: 'slack',
      path: '/slack',
      scopes: 'notify:slack-channel:<channelId>',
      input: schema.slackRequest,
      title: 'Write to a Slack channel',
      description:
        'Accepts a message, to be sent soon. The Slack app of the platform must be in the channel when it is ' +
        `private. ${twice}`,
    },
    ({ notify }, { body, authorize }) => {
      authorize({ channelId: body.channelId });
      return notify.requestSlack(body);
    },
  ),
  endpoint(
    {
      ...denylist,
      name: 'addDenylistAddress',
      method: 'POST',
      path: '/denylist/add',
      input: schema.notificationAddress,
      title: 'Deny an address',
      description: 'Nothing is sent to this address any more: calls are refused, routes of tasks do nothing.',
    },
    ({ notify }, { body }) => notify.denyAddress(body),
  ),
  endpoint(
    {
      ...denylist,
      name: 'deleteDenylistAddress',
      method: 'DELETE',
      path: '/denylist/delete',
      input: schema.notificationAddress,
      title: 'Allow an address again',
      description: 'Takes an address off the denylist. Nothing happens when it is not on it.',
    },
    ({ notify }, { body }) => notify.allowAddress(body),
  ),
  endpoint(
    {
      ...denylist,
      name: 'listDenylist',
      method: 'GET',
      path: '/denylist/list',
      query: pagination,
      output: schema.notificationAddressList,
      title: 'List denied addresses',
      description: 'A page of the addresses that nothing is sent to, in order.',
    },
    ({ notify }, { query }) => notify.listDenied(query),
  ),
];
