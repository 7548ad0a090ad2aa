import { it } from 'node:test';
import { runSuite } from './support/conformance.ts';
import { aHome } from './support/platform.ts';
import { aRabbitMq, noRabbitMq } from './support/rabbitmq.ts';

it('messages on RabbitMQ pass the conformance suite, area 09', {
  skip: noRabbitMq,
}, async (t) => {
  // What is made first ends first: the platform goes before its broker.
  const home = await aHome(t);
  const broker = await aRabbitMq(t);
  await broker.start();
  const platform = await home.start({ AMQP_URL: broker.url, TASK_CLAIM_TIMEOUT: '25', WORKER: 'false' });
  await runSuite(platform, ['09'], { AMQP_URL: broker.url });
});
