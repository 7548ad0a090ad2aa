import type { Answer, Call } from './call.ts';
import { remembered } from './client-tokens.ts';
import type { Place } from './conditions.ts';
import { type Instance, newId } from './instance.ts';
import {
  Ec2Error,
  groupIn,
  groupsIn,
  type ParameterGroup,
  type Reply,
  required,
  textIn,
} from './query-api.ts';
import { roomIn, zoneOfSubnet } from './room.ts';
import type { Template } from './state.ts';
import { tagsFor } from './tags.ts';

/** A place that a fleet may use, and how it was asked for. */
interface Option {
  readonly place: Place;
  readonly usdPerHour: number;
  readonly maxUsdPerHour: number | undefined;
  readonly overrides: Readonly<Record<string, Reply>>;
}

export const createFleet = (call: Call): Answer =>
  remembered(call, 'CreateFleet', () => {
    const { parameters } = call;
    if (textIn(parameters, 'Type') !== 'instant') {
      throw new Ec2Error('InvalidParameterValue', 'Only fleets of type instant are known here');
    }
    const [config = {}] = groupsIn(parameters, 'LaunchTemplateConfigs');
    const template = templateOf(call, groupIn(config, 'LaunchTemplateSpecification'));
    const target = groupIn(parameters, 'TargetCapacitySpecification');
    const purchase = textIn(target, 'DefaultTargetCapacityType') === 'spot' ? 'spot' : 'on-demand';
    const options = groupsIn(config, 'Overrides').map((one) => optionOf(call, one, purchase));
    const { started, failed } = fill(call, {
      template,
      options,
      count: Number(required(target, 'TotalTargetCapacity')),
    });
    return { fleetId: newId('fleet'), errorSet: failed, fleetInstanceSet: started };
  });

const templateOf = ({ state, region }: Call, specification: ParameterGroup): Template => {
  const name = required(specification, 'LaunchTemplateName');
  const template = state.templates.get(`${region}/${name}`);
  if (template) return template;
  const code = 'InvalidLaunchTemplateName.NotFoundException';
  throw new Ec2Error(code, `The launch template '${name}' does not exist`);
};

const optionOf = (call: Call, override: ParameterGroup, purchase: Place['purchase']): Option => {
  const { region, conditions, clock } = call;
  const subnet = textIn(override, 'SubnetId');
  const zone =
    textIn(override, 'AvailabilityZone') ??
    (subnet === undefined ? `${region}a` : zoneOfSubnet(region, subnet));
  const place = { region, zone, instanceType: required(override, 'InstanceType'), purchase };
  const max = textIn(override, 'MaxPrice');
  return {
    place,
    usdPerHour: conditions.usdPerHour(place, clock.now()),
    maxUsdPerHour: max === undefined ? undefined : Number(max),
    overrides: {
      instanceType: place.instanceType,
      subnetId: subnet,
      availabilityZone: textIn(override, 'AvailabilityZone'),
    },
  };
};

interface Filling {
  readonly template: Template;
  readonly options: readonly Option[];
  readonly count: number;
}

/** Takes instances where they are cheapest, until there are enough or nothing is left. */
const fill = (call: Call, { template, options, count }: Filling) => {
  const started: Reply[] = [];
  const failed: Reply[] = [];
  let left = count;
  for (const option of options.toSorted((a, b) => a.usdPerHour - b.usdPerHour)) {
    if (left === 0) break;
    if (option.maxUsdPerHour !== undefined && option.usdPerHour > option.maxUsdPerHour) {
      failed.push(
        failure(option, 'SpotMaxPriceTooLow', 'Your Spot request price is lower than the Spot price'),
      );
      continue;
    }
    const taken = Math.min(left, roomIn(call, option.place));
    left -= taken;
    if (taken > 0) started.push(startSome(call, template, { option, count: taken }));
    if (left > 0) {
      const message = `We currently do not have sufficient capacity in ${option.place.zone}`;
      failed.push(failure(option, 'InsufficientInstanceCapacity', message));
    }
  }
  return { started, failed };
};

const failure = ({ place, overrides }: Option, errorCode: string, errorMessage: string): Reply => ({
  launchTemplateAndOverrides: { overrides },
  lifecycle: place.purchase,
  errorCode,
  errorMessage,
});

const startSome = (
  { life, parameters }: Call,
  template: Template,
  { option, count }: { option: Option; count: number },
): Reply => {
  const reservationId = newId('r');
  const instances = Array.from(
    { length: count },
    (): Instance =>
      life.start({
        place: option.place,
        imageId: template.imageId ?? '',
        userData: template.userData,
        tags: tagsFor(parameters, 'instance'),
        clientToken: '',
        reservationId,
      }),
  );
  return {
    launchTemplateAndOverrides: { overrides: option.overrides },
    lifecycle: option.place.purchase,
    instanceType: option.place.instanceType,
    instanceIds: instances.map(({ id }) => id),
  };
};
