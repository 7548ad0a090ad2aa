import assert from 'node:assert/strict';
import { it } from 'node:test';
import Value from 'typebox/value';
import { awsConfig } from '../../schema/index.ts';
import { awsFleetConfig } from './schema.ts';
import { fleet, region } from './testing.ts';

const launchConfig = { ImageId: 'ami-1', InstanceType: 'm5.large', EbsOptimized: true };
const pool = (...launchConfigs: object[]) => ({ minCapacity: 0, maxCapacity: 5, launchConfigs });
const isRight = (config: object): boolean => Value.Check(awsFleetConfig.schema, config);

it('a config of a pool that the original accepts is accepted', () => {
  const theirs = pool(
    { region, launchConfig },
    { region, launchConfig, capacityPerInstance: 2, workerConfig: {}, workerManager: { initialWeight: 0.5 } },
  );
  assert.ok(Value.Check(awsConfig.schema, theirs));
  assert.ok(isRight(theirs));
});

it('launch configs of both kinds go together, and each has one of them', () => {
  assert.ok(isRight(pool({ region, launchConfig }, { region, fleet })));
  assert.ok(!isRight(pool({ region, launchConfig, fleet })));
  assert.ok(!isRight(pool({ region })));
});

it('a pool cannot set what the platform sets', () => {
  const withTemplate = (launchTemplate: object) =>
    isRight(pool({ region, fleet: { ...fleet, launchTemplate } }));
  assert.ok(withTemplate({ KeyName: 'key' }));
  assert.ok(!withTemplate({ UserData: 'x' }));
  assert.ok(!withTemplate({ ImageId: 'ami-2' }));
  assert.ok(!isRight(pool({ region, fleet, additionalUserData: { rootUrl: 'x' } })));
});
