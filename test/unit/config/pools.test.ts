import { expect, test } from 'vitest';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import { home, load, vmOf } from './load.ts';

const hard = (...groups: string[]): VmSpec['apart'] => groups.map((group) => ({ group, soft: false }));

test('a pool says what it must be able to lose, and how many vCPUs a CPU may carry', async () => {
  const { farm } = await load(`farm: acme
pools:
  a: { servers: { "a[1-3]": { address: "{}" } }, spare: 2, overcommit: { vcpus: 1.5 } }
  b: { servers: { b1: { address: b1 } }, spare: 0, overcommit: {} }
  c: { servers: { "c[1-2]": { address: "{}" }, c1: { state: off }, c2: { state: maintenance } }, spare: 1 }
`);
  expect(farm.pools.map((p) => [p.name, p.spare, p.overcommit.vcpus])).toEqual([
    ['a', 2, 1.5],
    ['b', 0, undefined],
    ['c', 1, undefined],
  ]);
});

test('a pool names the key of its owner for migrations, or none', async () => {
  const { farm } = await load(`farm: acme
pools:
  a: { servers: { a1: { address: a1 } }, migration: { key: /root/.ssh/id_ed25519 } }
  b: { servers: { b1: { address: b1 } }, migration: {} }
`);
  expect(farm.pools.map((p) => p.migrationKey)).toEqual(['/root/.ssh/id_ed25519', undefined]);
});

test('a server has its state, its address for migrations and its fence; a key adds to its pattern', async () => {
  const { farm, warnings } = await load(`farm: home
servers:
  "dom[08-11]":
    address: "{}.example.com"
    migration: "10.77.0.{n}"
    fence: { off: "ilo -H {}-ilo -u \${USER} {{n}} off", status: "ilo -H {}-ilo status | awk '{print $2}'" }
  dom09: { state: maintenance, migration: "fd00::9" }
  dom10: { state: absent, fence: { status: /bin/false } }
  dom12: { address: local }
`);
  expect(warnings).toEqual([]);
  const fence = (name: string, n: number) => ({
    off: `ilo -H ${name}-ilo -u \${USER} {${n}} off`,
    status: `ilo -H ${name}-ilo status | awk '{print $2}'`,
  });
  expect(farm.pools[0]?.servers.map((s) => [s.name, s.state, s.migration, s.fence])).toEqual([
    ['dom08', 'active', '10.77.0.8', fence('dom08', 8)],
    ['dom09', 'maintenance', 'fd00::9', fence('dom09', 9)],
    ['dom10', 'absent', '10.77.0.10', { ...fence('dom10', 10), status: '/bin/false' }],
    ['dom11', 'active', '10.77.0.11', fence('dom11', 11)],
    ['dom12', 'active', undefined, undefined],
  ]);
});

test('networks for migration may be the same in two pools', async () => {
  const { farm } = await load(`farm: acme
pools:
  a: { servers: { "a[1-2]": { address: "{}", migration: "10.77.0.{n}" } } }
  b: { servers: { "b[1-2]": { address: "{}", migration: "10.77.0.{n}" } } }
`);
  expect(farm.pools.flatMap((p) => p.servers.map((s) => s.migration))).toEqual([
    '10.77.0.1',
    '10.77.0.2',
    '10.77.0.1',
    '10.77.0.2',
  ]);
});

test('a fence that cannot tell whether the server is down is a warning', async () => {
  const { warnings } = await load('farm: home\nservers: { xen: { address: a, fence: { off: ./off } } }\n');
  expect(warnings.map((d) => [d.severity, d.code, d.at?.line, d.at?.column])).toEqual([
    ['warning', 'fence-without-status', 2, 40],
  ]);
});

test.each([
  ['web', hard('web')],
  ['{ group: web }', hard('web')],
  ['{ group: web, soft: false }', hard('web')],
  ['{ group: web, soft: true }', [{ group: 'web', soft: true }]],
  ['[web, { group: rack, soft: true }, 1a]', [...hard('1a'), { group: 'rack', soft: true }, ...hard('web')]],
  ['[]', []],
])('apart: %s', async (apart, groups) => {
  expect((await vmOf(`vms: { web: { apart: ${apart} } }\n`)).apart).toEqual(groups);
});

test.each([
  ['of the defaults', '', 'apart: web', '', hard('web')],
  ['of the profile, over the defaults', '', 'apart: web', 'apart: [db, app]', hard('app', 'db')],
  [
    'its own, whole: no profile softens it',
    'apart: { group: web }',
    '',
    'apart: { group: db, soft: true }',
    hard('web'),
  ],
  ['its own, short', 'apart: web', 'apart: { group: db, soft: true }', '', hard('web')],
  ['its own, none', 'apart: []', 'apart: web', 'apart: db', []],
])('apart: %s', async (_, own, defaults, profile, groups) => {
  const vm = await vmOf(
    `defaults: { ${defaults} }\nprofiles: { p: { ${profile} } }\nvms: { web: { profile: p, ${own} } }\n`,
  );
  expect(vm.apart).toEqual(groups);
});

test('apart: a pattern is filled in, in a list as well', async () => {
  const { farm } = await load(`${home}vms: { "web-[1-2]": { apart: ["pair-{n}", { group: "of-{}" }] }, db: {} }\n`);
  expect(farm.vms.map((v) => [v.key, v.apart])).toEqual([
    ['db', []],
    ['web-1', hard('of-web-1', 'pair-1')],
    ['web-2', hard('of-web-2', 'pair-2')],
  ]);
});

test('apart: a group of one that is called almost like another is taken for a slip', async () => {
  const said = async (group: string): Promise<readonly (string | undefined)[]> =>
    (await load(`${home}vms: { a: { apart: web }, b: { apart: web }, c: { apart: ${group} } }\n`)).warnings.map(
      (w) => `${w.at?.line}:${w.at?.column} ${w.message}; ${w.hint}`,
    );
  expect(await said('wbe')).toEqual(['4:58 no VM but c is in group "wbe"; did you mean "web"?']);
  expect(await said('[web, "web2"]')).toEqual([]);
  expect(await said('db')).toEqual([]);
});

test('the policy says how restarts roll, and what runs before a change', async () => {
  const { farm } = await load({
    'farm/a.yaml': `${home}policy: { restarts: { atOnce: 2 } }\n`,
    'farm/b.yaml': `policy:
  before:
    data-loss: |
      ./backup {vm}
    restart: './snap {vm} {server} {op} "\${HOME}" {a,b} | awk "{ print }"'
`,
  });
  expect(farm.policy.restarts).toEqual({ atOnce: 2 });
  expect(Object.entries(farm.policy.before)).toEqual([
    ['restart', './snap {vm} {server} {op} "${HOME}" {a,b} | awk "{ print }"'],
    ['data-loss', './backup {vm}\n'],
  ]);
});

test('a VM whose servers are in maintenance, or of which one stays, is none of the file’s mistakes', async () => {
  const { farm } = await load(`farm: home
servers: { "s[1-4]": { address: "{}" }, s1: { state: maintenance }, s2: { state: absent }, s3: { state: absent } }
vms:
  a: { server: s1 }
  b: { servers: [s1, s2] }
  c: { servers: [s2, s4] }
  d: { server: s2, state: absent }
  e: {}
`);
  expect(farm.vms.map((v) => v.servers)).toEqual([['s1'], ['s1', 's2'], ['s2', 's4'], ['s2'], []]);
});

test('a pool that leaves with its VMs is none, either', async () => {
  const { farm } = await load(
    'farm: home\nservers: { s: { address: a, state: absent } }\nvms: { a: { state: absent } }\n',
  );
  expect(farm.pools[0]?.servers.map((s) => s.state)).toEqual(['absent']);
});
