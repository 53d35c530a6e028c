/** Autostart links, where hands were at them. */
import { describe, expect, it } from 'vitest';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Observed } from '../../../src/kinds/server/live.ts';
import { after, farm, GiB, observed, plan, server, spec } from './world.ts';

const two = (): Observed => observed({ a: server(), b: server({ host: 'b' }) });
const edit = (seen: Observed, name: string, change: (s: ServerSeen) => ServerSeen): Observed =>
  new Map([...seen].map(([n, s]) => [n, n === name && s.is === 'seen' ? change(s) : s] as const));

describe('the link', () => {
  it('of a VM whose cfg somebody removed is made once a restart has written the cfg', () => {
    const web = spec('web');
    const seen = after(two(), plan(farm([web], ['a', 'b']), two()).operations);
    const bare = edit(seen, 'a', (s) => ({ ...s, records: [] }));
    const grown = { ...web, autostart: true, memory: { target: 2 * GiB, max: 4 * GiB } };
    const p = plan(farm([grown], ['a', 'b']), bare, { allow: [{ disruption: 'restart', pattern: 'web' }] });
    expect([p.operations.map((o) => o.id), p.refused]).toEqual([['web/restart', 'web/autostart'], []]);
  });

  it('that came with a copy of /etc/xen over the folder of another server there is not removed', () => {
    const web = spec('web', { servers: ['a'] });
    const f = farm([web], ['a', 'b']);
    const seen = after(two(), plan(f, two()).operations);
    const via = '/srv/vmstore/autostart/a/web.cfg';
    const leading = edit(seen, 'a', (s) => ({ ...s, records: s.records.map((r) => ({ ...r, via })) }));
    const [record] = (leading.get('a') as ServerSeen).records;
    const copied = edit(leading, 'b', (s) => ({ ...s, records: record ? [record] : [] }));
    const ops = plan(f, copied).operations.flatMap(({ op }) => (op.verb === 'forget' ? [op] : []));
    expect(ops.map((op) => [op.server, op.links])).toEqual([['b', ['/etc/xen/auto/web.cfg']]]);
  });
});
