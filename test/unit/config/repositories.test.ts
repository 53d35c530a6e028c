/** What `repositories` of the farm and of a pool become. */
import { expect, test } from 'vitest';
import type { RepositorySpec } from '../../../src/kinds/repository/spec.ts';
import { home, load } from './load.ts';

/** Repository `store` of `home`. */
const storeOf = async (body: string): Promise<RepositorySpec | undefined> => {
  const { farm, warnings } = await load(`${home}repositories: { store: { ${body} } }\n`);
  expect(warnings).toEqual([]);
  return farm.pools[0]?.repositories['store'];
};

test('an nfs repository is shared, and a dir is not, where the file is silent', async () => {
  const { farm, warnings } = await load(`${home}repositories:
  store: { type: nfs, source: "filer:/export/store", path: /srv/store }
  local: { type: dir, path: /var/vms }
`);
  expect(warnings).toEqual([]);
  expect(farm.pools[0]?.repositories).toEqual({
    local: {
      name: 'local',
      type: 'dir',
      source: undefined,
      path: '/var/vms',
      options: '',
      shared: false,
      state: 'present',
      origin: { file: 'farm.yaml', pointer: '/repositories/local' },
    },
    store: {
      name: 'store',
      type: 'nfs',
      source: 'filer:/export/store',
      path: '/srv/store',
      options: '',
      shared: true,
      state: 'present',
      origin: { file: 'farm.yaml', pointer: '/repositories/store' },
    },
  });
});

test('what the file says is kept', async () => {
  expect(await storeOf('type: dir, path: /srv/x, shared: true, state: absent')).toMatchObject({
    shared: true,
    state: 'absent',
  });
  expect(await storeOf('type: lvm, volumeGroup: lun0, shared: true')).toMatchObject({
    path: '/dev/lun0',
    shared: true,
  });
  const options = 'vers=4.2,hard,proto=tcp,sec=krb5:krb5i,x-systemd.automount,clientaddr=10.0.0.1';
  expect(
    await storeOf(`type: nfs, path: /srv/x, source: "filer:/x", shared: true, options: "${options}"`),
  ).toMatchObject({ shared: true, options });
});

test('slashes at the end of a path and of an export are cut', async () => {
  const store = await storeOf('type: nfs, path: /srv/store//, source: "filer:/export/store/"');
  expect([store?.path, store?.source]).toEqual(['/srv/store', 'filer:/export/store']);
});

test.each(['/srv', '/library/vms', '/var/lib/vms', '/home/vms', '/etcetera', '/srv/etc', '/mnt/.store'])(
  '%s may be the path of a repository',
  async (path) => {
    expect((await storeOf(`type: dir, path: ${path}`))?.path).toBe(path);
  },
);

test.each([
  'filer:/',
  'filer:/export/vm-store_1.2/~a+b@c=d',
  'filer-1.example.com:/x',
  '10.0.0.1:/x',
  '[2001:db8::1]:/x',
  '[fe80::1%eth0]:/x',
])('%s is a source', async (source) => {
  expect((await storeOf(`type: nfs, path: /srv/x, source: "${source}"`))?.source).toBe(source);
});

test('repositories of the farm serve every pool, or those that they name', async () => {
  const { farm } = await load(`farm: acme
pools:
  b: { servers: { s2: { address: b } }, repositories: { own: { type: dir, path: /srv/own } } }
  a: { servers: { s1: { address: a } }, repositories: { own: { type: dir, path: /srv/mine } } }
repositories:
  some: { type: nfs, source: "filer:/some", path: /srv/some, pools: [b] }
  all: { type: nfs, source: "filer:/all", path: /srv/all }
`);
  expect(
    farm.pools.map((p) => [p.name, Object.values(p.repositories).map((r) => [r.name, r.path, r.origin.pointer])]),
  ).toEqual([
    [
      'a',
      [
        ['all', '/srv/all', '/repositories/all'],
        ['own', '/srv/mine', '/pools/a/repositories/own'],
      ],
    ],
    [
      'b',
      [
        ['all', '/srv/all', '/repositories/all'],
        ['own', '/srv/own', '/pools/b/repositories/own'],
        ['some', '/srv/some', '/repositories/some'],
      ],
    ],
  ]);
});

test('pools may have one path each, and one store under one name', async () => {
  const own = 'repositories: { iso: { type: nfs, source: "filer:/iso", path: /srv/iso } }';
  const { farm } = await load(`farm: acme
pools:
  a: { servers: { s1: { address: a } }, ${own} }
  b: { servers: { s2: { address: b } }, ${own} }
`);
  expect(farm.pools.map((p) => p.repositories['iso']?.source)).toEqual(['filer:/iso', 'filer:/iso']);
});

test('pools may each have a shared volume group of one name, and give one up together', async () => {
  const own = 'repositories: { san: { type: lvm, volumeGroup: lun0, shared: true } }';
  const { farm } = await load(`farm: acme
pools:
  a: { servers: { s1: { address: a } }, ${own} }
  b: { servers: { s2: { address: b } }, ${own} }
repositories: { old: { type: lvm, shared: true, state: absent }, fast: { type: lvm, volumeGroup: vg0 } }
`);
  expect(farm.pools.map((p) => Object.keys(p.repositories))).toEqual([
    ['fast', 'old', 'san'],
    ['fast', 'old', 'san'],
  ]);
});

test('several files each bring theirs', async () => {
  const { farm } = await load({
    'farm/a.yaml': `${home}repositories: { b: { type: dir, path: /srv/b } }\n`,
    'farm/b.yaml': 'repositories: { a: { type: dir, path: /srv/a } }\n',
  });
  expect(Object.values(farm.pools[0]?.repositories ?? {}).map((r) => [r.name, r.origin.file])).toEqual([
    ['a', 'farm/b.yaml'],
    ['b', 'farm/a.yaml'],
  ]);
});

test('an image that is uploaded from here has the size of its file, and one from the web has none', async () => {
  const sum = '0'.repeat(64);
  const { farm } = await load({
    'farm.yaml': `${home}templates:
  here: { source: ./t.raw, sha256: "${sum}" }
  lost: { source: ./lost.raw, sha256: "${sum}" }
  web: { source: "https://x.example/t.raw" }
`,
    './t.raw': 'x'.repeat(1500),
  });
  expect(farm.pools[0]?.images.map((i) => [i.name, i.size])).toEqual([
    ['here', 2],
    ['lost', undefined],
    ['web', undefined],
  ]);
});
