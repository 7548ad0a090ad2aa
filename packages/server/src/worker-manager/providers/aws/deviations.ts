import type { ProviderError } from '../provider.ts';
import type { FoundInstance } from './instances.ts';
import type { Fleet } from './schema.ts';

/**
 * How instances of a fleet differ from what was ordered, where their safety depends on it: EC2 takes security groups and the
 * ways to the metadata from the template, and a template may be overridden by the account.
 */
export const deviations = (
  fleet: Fleet | undefined,
  found: readonly FoundInstance[],
): readonly ProviderError[] => {
  const wanted = new Set(fleet?.securityGroupIds ?? []);
  const { HttpTokens: tokens = 'required' } = (fleet?.launchTemplate?.MetadataOptions ?? {}) as {
    HttpTokens?: string;
  };
  const texts = found.flatMap(({ InstanceId, SecurityGroups = [], MetadataOptions }) => {
    const groups = SecurityGroups.map(({ GroupId }) => GroupId ?? '');
    const others = [...wanted].filter((id) => !groups.includes(id));
    const given = MetadataOptions?.HttpTokens;
    return [
      ...(groups.length > 0 && others.length > 0
        ? [`${InstanceId} is in ${groups.join(', ')}, not in ${others.join(', ')}.`]
        : []),
      ...(given !== undefined && given !== tokens
        ? [
            `The metadata of ${InstanceId} are ${given === 'optional' ? 'open without' : 'closed without'} a token.`,
          ]
        : []),
    ];
  });
  if (texts.length === 0) return [];
  const title = 'Instances are not as they were ordered';
  const description = `${texts.slice(0, 10).join(' ')} They run nevertheless: see the settings of the account and region.`;
  return [{ kind: 'configuration-error', title, description, code: 'NotAsOrdered', isPassing: true }];
};
