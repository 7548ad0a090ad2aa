import { Type } from 'typebox';
import { anyObject, distinct, exactly, oneOf, publish } from '../../http/index.ts';
import { CapacityPerInstance, choice, scaling, WorkerConfig, workerManagerBlock } from './configs.ts';

// Shapes of clouds that have no provider here yet. Tools read them, so they are published.

const { Optional, String: Text } = Type;
const service = 'worker-manager';
const open = { additionalProperties: true };
const someArray = Type.Unsafe<readonly unknown[]>({ type: 'array', uniqueItems: false });
const list = (item: object, required: readonly string[] = []) =>
  Type.Unsafe<readonly unknown[]>({ type: 'array', uniqueItems: false, items: part(item, required) });
const part = (properties: object, required: readonly string[] = []) =>
  anyObject({ ...open, properties, required: [...required] });

const googleConfig = publish(
  service,
  'config-google',
  exactly(
    {
      ...scaling,
      launchConfigs: distinct(
        part(
          {
            capacityPerInstance: CapacityPerInstance,
            workerConfig: WorkerConfig,
            workerManager: workerManagerBlock,
            region: Text(),
            zone: Text(),
            machineType: Text(),
            disks: someArray,
            networkInterfaces: someArray,
            scheduling: anyObject(open),
          },
          ['workerConfig', 'region', 'zone', 'machineType', 'disks', 'networkInterfaces', 'scheduling'],
        ),
      ),
    },
    { title: 'Config of a pool on Google Cloud' },
  ),
);

const ignoredStates = Type.Array(Text(), { uniqueItems: true });

const AzureResources = part(
  {
    location: Text(),
    subnetId: Text(),
    hardwareProfile: part({ vmSize: Text() }, ['vmSize']),
    storageProfile: part(
      {
        imageReference: part({ id: Text() }),
        osDisk: part({ createOption: Text() }),
        dataDisks: list({}),
      },
      ['osDisk'],
    ),
    osProfile: part({}),
    networkProfile: part({ networkInterfaces: list({ id: Text(), primary: Type.Boolean() }) }, [
      'networkInterfaces',
    ]),
    billingProfile: part({ maxPrice: Type.Number() }),
    priority: Text(),
    ignoreFailedProvisioningStates: ignoredStates,
  },
  ['location', 'subnetId', 'hardwareProfile', 'storageProfile'],
);

const ParameterReference = exactly({
  keyVault: Optional(exactly({ id: Optional(Text()) })),
  secretName: Optional(Text()),
  secretVersion: Optional(Text()),
});

const AzureTemplates = part(
  {
    armDeployment: exactly(
      {
        mode: oneOf(['Incremental', 'Complete']),
        template: Optional(anyObject(open)),
        templateLink: Optional(
          Type.Unsafe<object>({
            type: 'object',
            oneOf: [
              exactly({
                id: Text({
                  pattern:
                    '^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.Resources/templateSpecs/' +
                    '[^/]+/versions/[^/]+$',
                }),
              }),
              exactly({ uri: Text(), contentVersion: Optional(Text()), queryString: Optional(Text()) }),
            ],
          }),
        ),
        parameters: Optional(
          Type.Unsafe<object>({
            type: 'object',
            required: ['location'],
            additionalProperties: {
              type: 'object',
              oneOf: [
                { ...exactly({ value: Type.Unknown() }) },
                exactly({
                  reference: Type.Unsafe<object>({
                    ...ParameterReference,
                    required: ['keyVault', 'secretName'],
                  }),
                }),
              ],
            },
          }),
        ),
        parametersLink: Optional(exactly({ uri: Optional(Text()), contentVersion: Optional(Text()) })),
        debugSetting: Optional(
          exactly({
            detailLevel: Optional(
              oneOf(['requestContent', 'responseContent', 'requestContent,responseContent']),
            ),
          }),
        ),
        expressionEvaluationOptions: Optional(exactly({ scope: Optional(oneOf(['Inner', 'Outer'])) })),
        onErrorDeployment: Optional(
          exactly({
            type: Optional(oneOf(['LastSuccessful', 'SpecificDeployment'])),
            deploymentName: Optional(Text()),
          }),
        ),
      },
      { oneOf: [{ required: ['template'] }, { required: ['templateLink'] }] },
    ),
    armDeploymentResourceGroup: Text(),
  },
  ['armDeployment'],
);

const azureConfig = publish(
  service,
  'config-azure',
  exactly(
    {
      ...scaling,
      launchConfigs: distinct(
        Type.Unsafe<object>({
          allOf: [
            part(
              {
                capacityPerInstance: CapacityPerInstance,
                workerConfig: WorkerConfig,
                tags: anyObject(open),
                workerManager: Optional(
                  exactly({
                    ...choice,
                    publicIp: Optional(Type.Boolean()),
                    keepDeployment: Optional(Type.Boolean()),
                    ignoreFailedProvisioningStates: Optional(ignoredStates),
                  }),
                ),
              },
              ['workerConfig'],
            ),
            { oneOf: [AzureResources, AzureTemplates] },
          ],
        }),
      ),
    },
    { title: 'Config of a pool on Azure' },
  ),
);

export const otherCloudSchemas = [
  googleConfig,
  azureConfig,
  publish(service, 'azure-deployment-resources', AzureResources),
  publish(service, 'azure-arm-templates', AzureTemplates),
];
