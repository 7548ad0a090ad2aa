import { createHash } from 'node:crypto';
import type { RequestLaunchTemplateData } from '@aws-sdk/client-ec2';
import { canonical, days, hours, later } from '../../../base/index.ts';
import type { LaunchOrder, ProviderContext } from '../provider.ts';
import { type Maker, ours, tagsOfConfig } from './names.ts';
import { allPages } from './pages.ts';
import type { Memory } from './places.ts';
import type { Reader } from './regions.ts';
import type { AwsLaunchConfig, Fleet } from './schema.ts';

/** A launch template that is not used for this long is removed. */
const keptMs = days(7);
/** Its use is recorded at most once in this time. */
const noteAgainMs = hours(6);

/** The name under which the use of a template is remembered. */
export const templateName = (region: string, name: string): string => `template:${region}/${name}`;

/** A launch template of EC2; equal ones have equal names. */
export interface Template {
  readonly name: string;
  readonly content: RequestLaunchTemplateData;
  readonly tags: ReturnType<typeof tagsOfConfig>;
}

const profileOf = (profile: string) => (profile.startsWith('arn:') ? { Arn: profile } : { Name: profile });

/** The launch template for the instances of an order. */
export const templateFor = (maker: Maker, order: LaunchOrder, userData: string): Template => {
  const { fleet } = order.configuration as unknown as AwsLaunchConfig & { readonly fleet: Fleet };
  const tags = tagsOfConfig(maker, order);
  const content: RequestLaunchTemplateData = {
    // A worker that has finished shuts its machine down, which is then removed.
    InstanceInitiatedShutdownBehavior: 'terminate',
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1, HttpEndpoint: 'enabled' },
    ...fleet.launchTemplate,
    ImageId: fleet.imageId,
    UserData: userData,
    ...(fleet.securityGroupIds ? { SecurityGroupIds: fleet.securityGroupIds } : {}),
    ...(fleet.instanceProfile ? { IamInstanceProfile: profileOf(fleet.instanceProfile) } : {}),
    TagSpecifications: [{ ResourceType: 'volume', Tags: tags }],
  };
  const digest = createHash('sha256').update(canonical(content)).digest('hex').slice(0, 24);
  return { name: `taskyard-${maker.providerId}-${digest}`, content, tags };
};

type TemplatesContext = Pick<ProviderContext, 'memory' | 'clock'>;

/** Creates a template unless it exists, and records that it is used. */
export const ensureTemplate = async (
  { memory, clock }: TemplatesContext,
  { ec2, region, known }: { ec2: Reader; region: string; known: Memory },
  { name, content, tags }: Template,
): Promise<void> => {
  const noted = templateName(region, name);
  const usedAt = known.get(noted) as string | undefined;
  const now = clock.now();
  if (usedAt !== undefined && now.getTime() - Date.parse(usedAt) < noteAgainMs) return;
  const specifications = [{ ResourceType: 'launch-template' as const, Tags: tags }];
  await ec2
    .createLaunchTemplate({
      LaunchTemplateName: name,
      LaunchTemplateData: content,
      TagSpecifications: specifications,
    })
    .catch((error: Error) => {
      if (error.name !== 'InvalidLaunchTemplateName.AlreadyExistsException') throw error;
    });
  await memory.remember([{ name: noted, value: now.toJSON(), until: later(now, keptMs) }]);
};

/** A template that is about to be used does not exist: it is created again the next time. */
export const isTemplateMissing = (code: string): boolean =>
  /^InvalidLaunchTemplate(Name|Id)\.NotFound/.test(code);

/** Removes templates of ours in a region that were not used for long. */
export const removeOldTemplates = async (ec2: Reader, region: string, maker: Maker, known: Memory) => {
  const pages = allPages((token) =>
    ec2.describeLaunchTemplates({ Filters: ours(maker), MaxResults: 200, ...token }),
  );
  for await (const page of pages) {
    for (const { LaunchTemplateName: name } of page.LaunchTemplates ?? []) {
      if (name === undefined || known.has(templateName(region, name))) continue;
      await ec2.deleteLaunchTemplate({ LaunchTemplateName: name });
    }
  }
};
