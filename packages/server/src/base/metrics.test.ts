import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manualClock, seconds } from './clock.ts';
import { silentLog } from './log.ts';
import { createMetrics, metricsText } from './metrics.ts';

const someMetrics = (labels?: Readonly<Record<string, string>>) => {
  const clock = manualClock();
  return { clock, metrics: createMetrics({ clock, log: silentLog }, labels) };
};

describe('metrics', () => {
  it('write distributions in the format of Prometheus', async () => {
    const { metrics } = someMetrics();
    const size = metrics.histogram({ name: 'size', help: 'A size.', labels: ['of'], buckets: [1, 10] });
    for (const value of [0.5, 1, 7, 100]) size('a "b"\n')(value);
    assert.equal(
      metricsText([await metrics.read()]),
      [
        '# HELP size A size.',
        '# TYPE size histogram',
        'size_bucket{of="a \\"b\\"\\n",le="1"} 2',
        'size_bucket{of="a \\"b\\"\\n",le="10"} 3',
        'size_bucket{of="a \\"b\\"\\n",le="+Inf"} 4',
        'size_sum{of="a \\"b\\"\\n"} 108.5',
        'size_count{of="a \\"b\\"\\n"} 4',
        '',
      ].join('\n'),
    );
  });

  it('count events by their labels', async () => {
    const { metrics } = someMetrics();
    const ends = metrics.counter({ name: 'ends_total', help: 'Ends.', labels: ['reason'] });
    const failed = ends('failed');
    for (const end of [failed, ends('completed'), failed, ends('failed')]) end();
    assert.equal(
      metricsText([await metrics.read()]),
      [
        '# HELP ends_total Ends.',
        '# TYPE ends_total counter',
        'ends_total{reason="failed"} 3',
        'ends_total{reason="completed"} 1',
        '',
      ].join('\n'),
    );
  });

  it('keep the values of processes apart, under one heading', async () => {
    const all = ['1', '2'].map((process) => {
      const { metrics } = someMetrics({ process });
      metrics.gauge({ name: 'things_total', help: 'Things.' }, () => 7);
      metrics.gauge({ name: 'queue', help: 'By queue.', labels: ['queue'] }, async () => [
        { labels: ['a/b'], value: Number(process) },
      ]);
      return metrics.read();
    });
    assert.equal(
      metricsText(await Promise.all(all)),
      [
        '# HELP things_total Things.',
        '# TYPE things_total counter',
        'things_total{process="1"} 7',
        'things_total{process="2"} 7',
        '# HELP queue By queue.',
        '# TYPE queue gauge',
        'queue{process="1",queue="a/b"} 1',
        'queue{process="2",queue="a/b"} 2',
        '',
      ].join('\n'),
    );
  });

  it('leave out what cannot be read, or not in time', async () => {
    const { metrics, clock } = someMetrics();
    metrics.gauge({ name: 'broken', help: '' }, () => Promise.reject(new Error('no')));
    metrics.gauge({ name: 'bad', help: '' }, () => {
      throw new Error('no');
    });
    metrics.gauge({ name: 'hanging', help: '' }, () => new Promise<number>(() => {}));
    metrics.gauge({ name: 'good', help: '' }, () => 1);
    const values = metrics.read();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(seconds(2));
    assert.deepEqual(
      (await values).map(({ name }) => name),
      ['good'],
    );
  });
});
