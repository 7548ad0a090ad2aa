import type { Answer, Call } from './call.ts';
import { createFleet } from './create-fleet.ts';
import { describeInstances } from './describe-instances.ts';
import { type Instance, newId, stateCodes } from './instance.ts';
import { Ec2Error, groupIn, groupsIn, required, textIn, textsIn } from './query-api.ts';
import { runInstances } from './run-instances.ts';
import { filtersIn, isWanted, tagsFor } from './tags.ts';

/** An instance of a region; an error when there is none. */
const instancesNamed = ({ state, parameters, region }: Call): Instance[] =>
  textsIn(parameters, 'InstanceId').map((id) => {
    const instance = state.instances.get(id);
    if (instance?.place.region === region) return instance;
    throw new Ec2Error('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  });

const terminateInstances = (call: Call): Answer => {
  const named = instancesNamed(call);
  const changes = named.map((instance) => {
    const previous = instance.state;
    const message = 'Client.UserInitiatedShutdown: User initiated shutdown';
    call.life.terminate(instance, { code: 'Client.UserInitiatedShutdown', message });
    return {
      instanceId: instance.id,
      currentState: { code: stateCodes[instance.state], name: instance.state },
      previousState: { code: stateCodes[previous], name: previous },
    };
  });
  return { instancesSet: changes };
};

const zoneLetters = ['a', 'b', 'c'];

const describeSpotPriceHistory = ({ region, parameters, conditions, clock }: Call): Answer => {
  const now = clock.now();
  const products = textsIn(parameters, 'ProductDescription');
  return {
    spotPriceHistorySet: textsIn(parameters, 'InstanceType').flatMap((instanceType) =>
      zoneLetters.map((letter) => {
        const zone = `${region}${letter}`;
        const price = conditions.usdPerHour({ zone, instanceType, purchase: 'spot' }, now);
        return {
          availabilityZone: zone,
          instanceType,
          productDescription: products[0] ?? 'Linux/UNIX',
          spotPrice: price.toFixed(6),
          timestamp: now.toJSON(),
        };
      }),
    ),
  };
};

const createTags = (call: Call): Answer => {
  const { state, parameters } = call;
  for (const id of textsIn(parameters, 'ResourceId')) {
    const instance = state.instances.get(id);
    if (!instance) throw new Ec2Error('InvalidID', `The ID '${id}' is not valid`);
    for (const tag of groupsIn(parameters, 'Tag')) {
      instance.tags.set(required(tag, 'Key'), textIn(tag, 'Value') ?? '');
    }
  }
  return { return: true };
};

const templateKey = (region: string, name: string): string => `${region}/${name}`;

const createLaunchTemplate = ({ state, region, parameters }: Call): Answer => {
  const name = required(parameters, 'LaunchTemplateName');
  if (state.templates.has(templateKey(region, name))) {
    const code = 'InvalidLaunchTemplateName.AlreadyExistsException';
    throw new Ec2Error(code, 'Launch template name already in use.');
  }
  const content = groupIn(parameters, 'LaunchTemplateData');
  const template = {
    id: newId('lt'),
    region,
    name,
    imageId: textIn(content, 'ImageId'),
    userData: textIn(content, 'UserData'),
    tags: tagsFor(parameters, 'launch-template'),
  };
  state.templates.set(templateKey(region, name), template);
  return { launchTemplate: { launchTemplateId: template.id, launchTemplateName: name } };
};

const describeLaunchTemplates = ({ state, region, parameters }: Call): Answer => {
  const filters = filtersIn(parameters);
  const found = [...state.templates.values()]
    .filter((template) => template.region === region)
    .filter(({ tags }) => isWanted(filters, { tags, values: {} }));
  return {
    launchTemplates: found.map(({ id, name }) => ({ launchTemplateId: id, launchTemplateName: name })),
  };
};

const deleteLaunchTemplate = ({ state, region, parameters }: Call): Answer => {
  const name = required(parameters, 'LaunchTemplateName');
  if (!state.templates.delete(templateKey(region, name))) {
    throw new Ec2Error('InvalidLaunchTemplateName.NotFoundException', `There is no template ${name}`);
  }
  return { launchTemplate: { launchTemplateName: name } };
};

/** The calls that are answered. */
export const actions: Readonly<Record<string, (call: Call) => Answer>> = {
  CreateFleet: createFleet,
  RunInstances: runInstances,
  DescribeInstances: describeInstances,
  TerminateInstances: terminateInstances,
  DescribeSpotPriceHistory: describeSpotPriceHistory,
  CreateTags: createTags,
  CreateLaunchTemplate: createLaunchTemplate,
  DescribeLaunchTemplates: describeLaunchTemplates,
  DeleteLaunchTemplate: deleteLaunchTemplate,
};
