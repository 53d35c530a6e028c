import { expect, test } from 'vitest';
import { loadFarm } from '../../../src/config/index.ts';
import { home, load, vmOf } from './load.ts';
import { memoryIo } from './memory-io.ts';

test('the short form is one pool, named like the farm', async () => {
  const { farm, warnings } = await load(`${home}vms: { web: { memory: 1GiB } }\n`);
  const ssh = {
    user: undefined,
    port: undefined,
    identityFile: undefined,
    knownHosts: undefined,
    jump: undefined,
    sudo: undefined,
    connectTimeout: undefined,
  };
  expect(warnings).toEqual([]);
  expect(farm).toEqual({
    name: 'home',
    pools: [
      {
        name: 'home',
        networks: {
          lan: { name: 'lan', bridge: 'xenbr0', vlan: undefined },
          wan: { name: 'wan', bridge: 'xenbr1', vlan: undefined },
        },
        repositories: {},
        images: [],
        servers: [
          {
            name: 'xen',
            pool: 'home',
            address: 'xen.lan',
            ssh,
            migration: undefined,
            state: 'active',
            roles: ['utility', 'vm'],
            fence: undefined,
            origin: { file: 'farm.yaml', pointer: '/servers/xen' },
          },
        ],
        migrationKey: undefined,
        spare: 0,
        overcommit: { vcpus: undefined },
      },
    ],
    vms: [
      {
        key: 'web',
        name: 'web',
        uuid: undefined,
        pool: 'home',
        servers: [],
        apart: [],
        state: 'running',
        stateOpen: true,
        type: undefined,
        vcpus: { count: undefined, max: undefined },
        memory: { target: 1048576, max: undefined },
        boot: undefined,
        settings: {},
        disks: undefined,
        cdroms: undefined,
        nics: undefined,
        xl: undefined,
        autostart: undefined,
        after: [],
        ready: undefined,
        shutdownMs: undefined,
        formerly: undefined,
        cloudInit: undefined,
        protect: false,
        rides: false,
        deleteDisks: false,
        budget: undefined,
        origin: { file: 'farm.yaml', pointer: '/vms/web' },
      },
    ],
    policy: { budget: 'migrate', deletes: { max: 5, percent: 10 }, restarts: { atOnce: undefined }, before: {} },
  });
});

test('the VM wins over its profile, the profile over the one that it names, and that over the defaults', async () => {
  const vm = await vmOf(`
defaults: { type: pvh, memory: { target: 1GiB, max: 8GiB }, vcpus: { count: 1, max: 4 }, protect: true }
profiles:
  small: { profile: base, memory: 2GiB, boot: { cmdline: quiet } }
  base: { memory: 3GiB, vcpus: 3, boot: { kernel: /vmlinuz, cmdline: loud } }
vms: { web: { profile: small, vcpus: 2, protect: false } }
`);
  expect(vm.memory).toEqual({ target: 2 * 1048576, max: 8 * 1048576 });
  expect(vm.vcpus).toEqual({ count: 2, max: 4 });
  expect(vm.boot).toEqual({ kernel: '/vmlinuz', ramdisk: undefined, cmdline: 'quiet' });
  expect([vm.type, vm.protect]).toEqual(['pvh', false]);
});

test('defaults hold for their own file, and may name a profile', async () => {
  const { farm } = await load({
    'farm/a.yaml': `${home}defaults: { profile: small }\nvms: { a: {} }\nprofiles: { small: { memory: 1GiB } }\n`,
    'farm/b.yml': 'vms: { b: {} }\n',
    'farm/notes.txt': 'not: [yaml',
  });
  expect(farm.vms.map((v) => [v.key, v.memory.target])).toEqual([
    ['a', 1048576],
    ['b', undefined],
  ]);
});

test('a pattern is its members, filled in, and an explicit key adds to its member', async () => {
  const { farm } = await load({
    'farm/a.yaml': `farm: acme
pools:
  p:
    servers:
      "dom[08-10]": { address: "{}.example.com", ssh: { port: 22, user: "u{n}" } }
      dom09: { ssh: { port: 2222 } }
`,
    'farm/b.yaml': `vms:
  "web-[9-10]": { memory: 1GiB, disks: { xvda: { path: "/dev/vg0/{}-{n}" } } }
defaults: { autostart: false }
`,
    'farm/c.yaml': 'vms: { web-10: { memory: 2GiB } }\ndefaults: { autostart: true, budget: live }\n',
  });
  expect(farm.pools[0]?.servers.map((s) => [s.name, s.address, s.ssh.port, s.ssh.user])).toEqual([
    ['dom08', 'dom08.example.com', 22, 'u8'],
    ['dom09', 'dom09.example.com', 2222, 'u9'],
    ['dom10', 'dom10.example.com', 22, 'u10'],
  ]);
  expect(farm.vms.map((v) => [v.key, v.memory.target, v.disks?.['xvda']?.path, v.autostart, v.budget])).toEqual([
    ['web-10', 2097152, '/dev/vg0/web-10-10', true, 'live'],
    ['web-9', 1048576, '/dev/vg0/web-9-9', false, undefined],
  ]);
  expect(farm.vms[0]?.origin).toEqual({ file: 'farm/c.yaml', pointer: '/vms/web-10' });
});

test('ssh: the nearest of server, pool and farm wins, key by key', async () => {
  const { farm } = await load(`farm: acme
ssh: { user: reeve, port: 1, connectTimeout: 10s, sudo: true }
pools: { p: { ssh: { port: 2, jump: "me@bastion:22,b2" }, servers: { s: { address: "10.0.0.1", ssh: { port: 3 } } } } }
`);
  expect(farm.pools[0]?.servers[0]?.ssh).toEqual({
    user: 'reeve',
    port: 3,
    identityFile: undefined,
    knownHosts: undefined,
    jump: 'me@bastion:22,b2',
    sudo: true,
    connectTimeout: 10_000,
  });
});

test.each(['local', 'xen', 'xen_1.example.com', '10.1.2.3', '::1', 'fe80::1%eth0', '[2001:db8::1]'])(
  '%s is an address',
  async (address) => {
    const { farm } = await load(`farm: home\nservers: { xen: { address: "${address}" } }\n`);
    expect(farm.pools[0]?.servers[0]?.address).toBe(address);
  },
);

test('networks of the farm serve every pool, or those that they name', async () => {
  const { farm } = await load(`farm: acme
pools:
  b: { servers: { s2: { address: b } }, networks: { own: { bridge: br2 } } }
  a: { servers: { s1: { address: a } } }
networks: { all: { bridge: br0 }, some: { bridge: br1, pools: [b] } }
`);
  expect(farm.pools.map((p) => [p.name, Object.keys(p.networks)])).toEqual([
    ['a', ['all']],
    ['b', ['all', 'own', 'some']],
  ]);
});

test.each([
  ['networks are short for NICs', 'networks: [lan, wan]', '', { eth0: 'lan', eth1: 'wan' }],
  ['NICs stand beside networks', 'networks: [lan], nics: { eth1: { network: wan } }', '', { eth0: 'lan', eth1: 'wan' }],
  ['networks replace those of the defaults', 'networks: [wan]', 'networks: [lan, lan]', { eth0: 'wan' }],
  ['none at all', 'networks: []', 'networks: [lan]', {}],
  ['networks replace NICs', 'networks: [wan]', 'nics: { eth3: { network: lan } }', { eth0: 'wan' }],
  [
    'NICs change one of the networks',
    'nics: { eth1: { network: wan } }',
    'networks: [lan, lan]',
    { eth0: 'lan', eth1: 'wan' },
  ],
])('%s', async (_, own, defaults, networks) => {
  const vm = await vmOf(`defaults: { ${defaults} }\nvms: { web: { ${own} } }\n`);
  expect(Object.fromEntries(Object.entries(vm.nics ?? {}).map(([k, n]) => [k, n.network]))).toEqual(networks);
});

test('NICs are in the order of their numbers, and MACs and UUIDs in lower case', async () => {
  const vm = await vmOf(`vms:
  web:
    uuid: 3F1C8C1E-9B5E-4C64-8D5B-0F3C5A0E7B11
    nics: { eth10: { network: lan, mac: "02:5A:7C:00:00:01" }, eth2: { network: wan } }
`);
  expect(Object.keys(vm.nics ?? {})).toEqual(['eth2', 'eth10']);
  expect(vm.nics?.['eth10']?.mac).toBe('02:5a:7c:00:00:01');
  expect(vm.uuid).toBe('3f1c8c1e-9b5e-4c64-8d5b-0f3c5a0e7b11');
});

test('disks are merged by device; read-only ones may be shared', async () => {
  const vm = await vmOf(`defaults: { disks: { xvdz: { path: /srv/tools.img, access: ro } } }
vms: { web: { disks: { xvda: { path: /dev/vg0/web } } }, db: { disks: { xvdaa: { path: /dev/vg0/db } } } }
`);
  expect(vm.disks).toEqual({
    xvda: { path: '/dev/vg0/web', access: 'rw', format: undefined, backend: undefined },
    xvdz: { path: '/srv/tools.img', access: 'ro', format: undefined, backend: undefined },
  });
});

test('one path on servers that do not overlap is not one disk', async () => {
  const { farm } = await load(`farm: acme
pools: { p: { servers: { "s[1-3]": { address: "{}" } } }, q: { servers: { t1: { address: t } } } }
defaults: { disks: { xvda: { path: /dev/vg0/root } }, pool: p }
vms: { a: { server: s1 }, b: { servers: [s3, s2] }, c: { pool: q }, d: { state: absent } }
`);
  expect(farm.vms.map((v) => v.servers)).toEqual([['s1'], ['s2', 's3'], [], []]);
});

test.each([
  ['one bound, one anywhere', 'a: { server: s1 }, b: {}'],
  ['one anywhere, one bound', 'a: {}, b: { server: s1 }'],
  ['both anywhere', 'a: {}, b: {}'],
  ['servers overlap', 'a: { servers: [s1, s2] }, b: { servers: [s2, s3] }'],
])('one disk: %s', async (_, vms) => {
  const loaded = await loadFarm(
    [],
    memoryIo({
      'farm.yaml': `farm: f\nservers: { "s[1-3]": { address: "{}" } }\ndefaults: { disks: { xvda: { path: /d } } }\nvms: { ${vms} }\n`,
    }),
  );
  expect(loaded.ok ? [] : loaded.diagnostics.map((d) => d.code)).toEqual(['shared']);
});

test('YAML 1.2: yes, off, dates and octals are what they look like', async () => {
  const vm = await vmOf('vms: { web: { boot: { cmdline: 2024-01-01 } }, on: { memory: 1GiB }, no: {} }\n');
  expect(vm.boot?.cmdline).toBe('2024-01-01');
});

test('aliases within reason are read', async () => {
  const vm = await vmOf('vms: { db: &db { memory: 2GiB }, web: *db }\n');
  expect(vm.memory.target).toBe(2097152);
});

test('every value knows its line, and the profiles that it came through', async () => {
  const { places } = await load(`${home}profiles:
  base: { vcpus: 2 }
  small: { profile: base, networks: [lan] }
vms:
  "web-[1-2]":
    profile: small
    memory: 1GiB
`);
  const line = (field?: string): readonly unknown[] => {
    const origin = places.origin('web-2', field);
    const at = origin && places.position(origin);
    return [at?.line, at?.text.slice(at.column - 1, at.column - 1 + at.width), origin?.via];
  };
  expect(line('memory.target')).toEqual([10, '1GiB', undefined]);
  expect(line('vcpus.count')).toEqual([5, '2', ['small', 'base']]);
  expect(line('nics.eth0.network')).toEqual([6, 'lan', ['small']]);
  expect(line('disks.xvda')).toEqual([8, '"web-[1-2]"', undefined]);
  expect(line()).toEqual([8, '"web-[1-2]"', undefined]);
  expect(places.origin('nobody')).toBeUndefined();
});

test('a file given twice, or by its folder too, is read once', async () => {
  const { farm } = await load({ 'farm/a.yaml': `${home}vms: { web: {} }\n` }, ['farm', './farm/a.yaml', './farm/']);
  expect(farm.vms.length).toBe(1);
});

test('YAML files in the folders of a folder are not read, which is said', async () => {
  const files = {
    'farm/a.yaml': home,
    'farm/sub/web.yaml': 'vms: { web: {} }\n',
    'farm/sub/deep/db.yml': 'vms: {}\n',
    'farm/sub/notes.txt': '',
    'farm/.git/x.yaml': '',
  };
  const told = async (paths: readonly string[]) =>
    (await load(files, paths)).warnings.map(({ severity, code, message }) => [severity, code, message]);
  expect(await told(['farm'])).toEqual([
    [
      'warning',
      'file-not-read',
      'farm/sub/web.yaml, farm/sub/deep/db.yml are not read: folders in a folder are passed over',
    ],
  ]);
  expect(await told(['farm', 'farm/sub', 'farm/sub/deep'])).toEqual([]);
});

test('a VM with nothing to boot is a warning', async () => {
  const { warnings } = await load(`${home}vms: { web: { disks: {} }, db: { disks: {}, boot: { kernel: /k } } }\n`);
  expect(warnings.map((w) => [w.code, w.at?.line, w.severity])).toEqual([['cannot-boot', 4, 'warning']]);
});

test('a file that cannot be parsed does not make the names unknown that it may define', async () => {
  const loaded = await loadFarm(
    ['a.yaml', 'b.yaml'],
    memoryIo({ 'a.yaml': `${home}vms: { web: { profile: small, memori: 1 } }\n`, 'b.yaml': 'profiles: { small: [\n' }),
  );
  expect(loaded.ok ? [] : loaded.diagnostics.map((d) => [d.at?.file, d.code])).toEqual([
    ['a.yaml', 'unknown-key'],
    ['b.yaml', 'syntax'],
  ]);
});
