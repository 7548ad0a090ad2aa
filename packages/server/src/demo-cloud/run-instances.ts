import type { Answer, Call } from './call.ts';
import { remembered } from './client-tokens.ts';
import type { Place } from './conditions.ts';
import { reservationReply } from './describe-instances.ts';
import { newId } from './instance.ts';
import { Ec2Error, groupIn, required, textIn } from './query-api.ts';
import { roomIn, zoneOfSubnet } from './room.ts';
import { tagsFor } from './tags.ts';

export const runInstances = (call: Call): Answer =>
  remembered(call, 'RunInstances', () => {
    const { region, parameters, life } = call;
    const subnet = textIn(parameters, 'SubnetId');
    const place: Place = {
      region,
      zone:
        textIn(groupIn(parameters, 'Placement'), 'AvailabilityZone') ??
        (subnet === undefined ? `${region}a` : zoneOfSubnet(region, subnet)),
      instanceType: textIn(parameters, 'InstanceType') ?? 'm5.large',
      purchase:
        textIn(groupIn(parameters, 'InstanceMarketOptions'), 'MarketType') === 'spot' ? 'spot' : 'on-demand',
    };
    const least = Number(required(parameters, 'MinCount'));
    const count = Math.min(Number(required(parameters, 'MaxCount')), roomIn(call, place));
    if (count < least) {
      const message = `We currently do not have sufficient ${place.instanceType} capacity in ${place.zone}.`;
      throw new Ec2Error('InsufficientInstanceCapacity', message, 500);
    }
    const reservationId = newId('r');
    const started = Array.from({ length: count }, () =>
      life.start({
        place,
        imageId: required(parameters, 'ImageId'),
        userData: textIn(parameters, 'UserData'),
        tags: tagsFor(parameters, 'instance'),
        clientToken: textIn(parameters, 'ClientToken') ?? '',
        reservationId,
      }),
    );
    return reservationReply(reservationId, started);
  });
