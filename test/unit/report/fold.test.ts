/** A plan of many VMs: what is refused and what disrupts comes first, and what is the same for many is told once. */
import { expect, test } from 'vitest';
import type { Plan } from '../../../src/kinds/plan.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import { nameRuns } from '../../../src/report/fold.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { after, disk, farm, GiB, nic, observed, plan, server, spec } from '../plan/world.ts';

const servers = ['dom01', 'dom02', 'dom03'];
const vm = (key: string, on: string, more: Partial<VmSpec> = {}): VmSpec =>
  spec(key, { servers: [on], disks: { xvda: disk(`/dev/vg0/${key}`) }, nics: { eth0: nic('lan') }, ...more });
const webs = (more: Partial<VmSpec>): readonly VmSpec[] =>
  Array.from({ length: 40 }, (_, i) => vm(`web-${String(i + 1).padStart(2, '0')}`, servers[i % 3] ?? '', more));
const policy = (budget: 'restart' | 'live') => ({
  budget,
  deletes: { max: 5, percent: 10 },
  restarts: { atOnce: 2 },
  before: {},
});
const was = farm([...webs({}), vm('db-1', 'dom01'), vm('old', 'dom03')], servers);
const empty = observed(Object.fromEntries(servers.map((s) => [s, server({ host: s })])));
const seen = after(empty, plan(was, empty).operations);
const kernel = { kernel: '/srv/vmlinuz-6.12', ramdisk: undefined, cmdline: undefined };
const wanted = [
  ...webs({ memory: { target: GiB, max: 2 * GiB }, boot: kernel }),
  vm('db-1', 'dom01', { memory: { target: 2 * GiB, max: 4 * GiB }, budget: 'live' }),
  vm('old', 'dom03', { state: 'stopped' }),
  ...[1, 2, 3, 4, 5].map((n) => vm(`cache-${n}`, 'dom02')),
];
const planned = (budget: 'restart' | 'live'): Plan => plan({ ...was, vms: wanted, policy: policy(budget) }, seen);
const text = (p: Plan, width: number, commands = false): string => renderPlan(p, { color: false, width, commands });

test.each([80, 120])('a night of restarts on %i columns', async (width) => {
  const all = text(planned('restart'), width);
  await expect(all).toMatchFileSnapshot(`../../golden/report/many-${width}.txt`);
  expect(Math.max(...all.split('\n').map((l) => l.length))).toBeLessThanOrEqual(width);
});

test('an option is for all that are told as one', () => {
  const names = webs({}).map((v) => v.key);
  expect(text(planned('live'), 80)).toContain(`--allow 'restart={${names.join(',')}}'\n`);
  const one = plan({ ...was, vms: wanted, policy: policy('live') }, seen, {
    allow: [{ disruption: 'restart', pattern: `{${names.join(',')}}` }],
  });
  expect(one.operations.filter((o) => o.op.verb === 'restart')).toHaveLength(40);
});

test('commands are told VM by VM', () => {
  expect(text(planned('restart'), 80, true)).toContain('± web-17 on dom02: restart');
});

test('names whose numbers follow each other are told by their ends', () => {
  expect(
    nameRuns(['web-01', 'web-02', 'web-03', 'web-05', 'web-06', 'db', 'a9', 'a10', 'a11', 'b1', 'c2', 'c3']),
  ).toEqual(['web-01 … web-03', 'web-05', 'web-06', 'db', 'a9 … a11', 'b1', 'c2', 'c3']);
});
